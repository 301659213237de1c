// What a process starts with: plain JavaScript, since Node 20 cannot start from TypeScript.
const [, , main = '', tsx = ''] = process.argv

if (tsx !== '') {
  /** @type {unknown} */
  const register = await import(tsx)
  const api = /** @type {import('../stage/load.ts').TsxApi} */ (register)
  api.register()
}
/** @type {unknown} */
const module = await import(main)
const { serveProcess } = /** @type {typeof import('./process-main.ts')} */ (module)
await serveProcess()
