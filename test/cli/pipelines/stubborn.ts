/** Heeds no signal. */
export default async (): Promise<void> => {
  console.log('began')
  await new Promise((resolve) => {
    setTimeout(resolve, 60_000)
  })
}
