/** The source of an element in a message; nothing where it says no more than the element's number. */
export function sourceShown(source: string | undefined, index: number): string {
  const plain = source === undefined || new RegExp(`^\\w+#\\d+\\[${index}\\]$`).test(source)
  return plain ? '' : ` (${source})`
}
