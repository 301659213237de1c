interface Context {
  readonly signal: AbortSignal
  readonly args: readonly string[]
}

export default async ({ signal, args }: Context): Promise<void> => {
  console.log(`began with ${args.join(' ')}`)
  if (args[0] === 'end') return
  await new Promise((resolve) => {
    const timer = setTimeout(resolve, 60_000)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve(undefined)
    })
  })
  console.log('cleaned up')
}
