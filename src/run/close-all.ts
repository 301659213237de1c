/**
 * Closes one after the other, whatever fails: what does not close must not keep open what comes behind it.
 *
 * @throws what the first one threw.
 */
export async function closeAll(
  closings: Iterable<(() => void | Promise<void>) | undefined>,
): Promise<void> {
  let failed: { readonly error: unknown } | undefined
  for (const close of closings) {
    try {
      await close?.()
    } catch (error) {
      failed ??= { error }
    }
  }
  if (failed !== undefined) throw failed.error
}
