/** The whole job in child processes, on photos made here. */
import { spawnSync } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { testFolder } from '../folder.ts'
import { encodePng } from '../../src/image/index.ts'
import { run, start, stripeFolder, stripes, type Ended } from './job.ts'

const chromium = ['chromium', 'chromium-browser', 'google-chrome'].find(
  (name) => spawnSync(name, ['--version']).status === 0,
)
if (chromium === undefined) console.error('NO CHROMIUM: the test that opens the report is SKIPPED')

describe('a folder of 1,000 photos with bad ones among them', () => {
  let folder = ''
  let out = ''
  let ended: Ended
  const bad = {
    'across/empty.jpg': 'empty file',
    'across/cut.png': 'truncated image',
    'across/notes.txt': 'not an image in a known format',
    'upright/page.html': 'not an image in a known format',
    'upright/flipped.png': 'damaged image',
  }

  beforeAll(async () => {
    folder = testFolder()
    out = join(folder, 'out')
    const data = join(folder, 'photos')
    await stripeFolder(data, 500)
    const png = Buffer.from(await encodePng(stripes(1, true)))
    await writeFile(join(data, 'across/empty.jpg'), '')
    await writeFile(join(data, 'across/cut.png'), png.subarray(0, png.length - 30))
    await writeFile(join(data, 'across/notes.txt'), 'not a photo\n')
    await writeFile(join(data, 'upright/page.html'), '<html></html>')
    png[100] = (png[100] ?? 0) ^ 255
    await writeFile(join(data, 'upright/flipped.png'), png)
    ended = await run('main', ['--data', data, '--out', out, '--epochs', '3', '--batch', '32'])
  }, 120_000)

  test('trains on the good ones', () => {
    expect(ended.stderr).not.toContain('error')
    expect(ended.code).toBe(0)
    expect(ended.stdout).toContain('1,000 of across, upright; 5 dropped')
    expect(ended.stdout.trimEnd().split('\n').at(-1)).toMatch(/^test accuracy (0\.9\d{3}|1\.0000)$/)
  })

  test('lists each bad one with its reason, on the terminal and in the report', async () => {
    const report = await readFile(join(out, 'report.html'), 'utf8')
    for (const [name, reason] of Object.entries(bad)) {
      expect(ended.stdout).toMatch(new RegExp(`dropped ${name}: ${reason}`))
      expect(report).toContain(`<td class="text">${name}</td><td class="text">${reason}`)
    }
  })

  test('progress without a terminal is plain lines', () => {
    expect(ended.stderr).not.toContain('\u001B')
    expect(ended.stderr).toMatch(/decode {2}1,005 photos in/)
  })

  test('leaves model and report, and nothing else', async () => {
    expect((await readdir(out)).toSorted()).toEqual(['model.onnx', 'report.html'])
  })

  test('the report needs nothing from outside', async () => {
    const report = await readFile(join(out, 'report.html'), 'utf8')
    expect(report).not.toMatch(/(src|href)="(?!data:)/)
    expect(report).not.toMatch(/NaN|undefined|Infinity/)
  })

  test.skipIf(chromium === undefined)('the report opens in a browser without a complaint', () => {
    const url = `file://${join(out, 'report.html')}`
    const flags = [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--enable-logging=stderr',
      '--v=0',
    ]
    const shot = join(out, '..', 'report.png')
    const browser = spawnSync(chromium ?? '', [...flags, `--screenshot=${shot}`, url], {
      encoding: 'utf8',
    })
    expect(browser.stderr).toContain('bytes written')
    expect(browser.stderr).not.toMatch(/CONSOLE/)
    const dump = spawnSync(chromium ?? '', [...flags, '--dump-dom', url], { encoding: 'utf8' })
    expect(dump.stdout).toContain('The pipeline at work')
  })

  test('predict tells the class of new photos, and names files it cannot use', async () => {
    const photo = join(folder, 'new.png')
    await writeFile(photo, await encodePng(stripes(999, true, 90)))
    const model = join(out, 'model.onnx')
    const good = await run('predict', ['--model', model, photo])
    expect(good.stdout).toMatch(/new\.png {2}upright {2}0\.\d{4}|new\.png {2}upright {2}1\.0000/)
    expect(good.code).toBe(0)
    const mixed = await run('predict', [
      '--model',
      model,
      join(folder, 'photos/across/notes.txt'),
      photo,
    ])
    expect(mixed.stdout).toContain('upright')
    expect(mixed.stderr).toContain('notes.txt  cannot be used: not an image')
    expect(mixed.code).toBe(1)
  })
})

describe('what cannot work ends with one clear error', () => {
  test.each([
    [['--size', '16'], /--size takes a whole number from 32 to 224, not '16'/],
    [['--colour'], /--colour/],
  ])('wrong flags %j: exit code 2', async (args, message) => {
    const { code, stderr } = await run('main', args)
    expect(code).toBe(2)
    expect(stderr).toMatch(message)
    expect(stderr).not.toContain('    at ')
  })

  test('predict without a photo or with a wrong flag: exit code 2', async () => {
    for (const args of [[], ['--colour']]) expect((await run('predict', args)).code).toBe(2)
  })

  test('predict without a model names the way out', async () => {
    const { code, stderr } = await run('predict', ['--model', 'no-such.onnx', 'a.jpg'])
    expect(code).toBe(1)
    expect(stderr).toMatch(/no-such\.onnx.*npm start/s)
  })

  test.each(['no folder', 'one class', 'few photos', 'only bad ones'])(
    '%s: exit code 1',
    async (what) => {
      const folder = testFolder()
      const data = join(folder, 'photos')
      const messages: Record<string, RegExp> = {
        'no folder': /There is no folder .*photos\. It needs a folder of photos for each class/,
        'one class': /one class, 'across'/,
        'few photos': /has 8 usable photos; training takes at least 10/,
        'only bad ones': /has 0 usable photos.*across\/0\.jpg: not an image/s,
      }
      if (what === 'one class') await mkdir(join(data, 'across'), { recursive: true })
      if (what === 'one class')
        await writeFile(join(data, 'across/1.png'), await encodePng(stripes(1, true)))
      if (what === 'few photos') await stripeFolder(data, 4)
      if (what === 'only bad ones') {
        for (const name of ['across', 'upright']) {
          await mkdir(join(data, name), { recursive: true })
          for (let i = 0; i < 8; i++) await writeFile(join(data, name, `${i}.jpg`), 'no photo')
        }
      }
      const out = join(folder, 'out')
      const { code, stderr } = await run('main', ['--data', data, '--out', out])
      expect(stderr).toMatch(messages[what] ?? /never/)
      expect(stderr).not.toContain('    at ')
      expect(code).toBe(1)
      expect(await readdir(out)).toEqual([])
    },
  )

  test('a registry that cannot be reached: the way out, and nothing left behind', async () => {
    const cache = join(testFolder(), 'cache')
    const env = { npm_config_registry: 'http://127.0.0.1:9/', npm_config_fetch_retries: '0' }
    const out = join(cache, '../out')
    const { code, stderr } = await run('main', ['--cache', cache, '--out', out], { env })
    expect(stderr).toMatch(/MILLSTREAM_DATA: npm could not fetch the photos.*ECONNREFUSED/)
    expect(stderr).toMatch(/proxy.*--data DIR/s)
    expect(code).toBe(1)
    expect(await readdir(cache)).toEqual([])
  })
})

describe('stopped on the way', () => {
  const args = (data: string, out: string): string[] => [
    '--data',
    data,
    '--out',
    out,
    '--epochs',
    '2',
    '--threshold',
    '0',
  ]

  test('a full disk: says so, and leaves no half of a file', async () => {
    const folder = testFolder()
    const data = join(folder, 'photos')
    const out = join(folder, 'out')
    await stripeFolder(data, 20)
    // Files may not grow beyond 100 blocks: to the program it is a disk that is full.
    const { code, stderr } = await run('main', args(data, out), { before: 'ulimit -f 100;' })
    expect(stderr).toMatch(/No space left to write .*model\.onnx\. Free some/)
    expect(code).toBe(1)
    expect(await readdir(out)).toEqual([])
  }, 60_000)

  test('Ctrl-C while it trains: exit code 130, and nothing half-written', async () => {
    const folder = testFolder()
    const data = join(folder, 'photos')
    const out = join(folder, 'out')
    await stripeFolder(data, 100)
    const job = start('main', [...args(data, out).slice(0, 4), '--epochs', '5000'])
    await job.wrote('round 1')
    job.kill('SIGINT')
    const { code, stderr } = await job.ended
    expect(stderr).toContain('stopping')
    expect(code).toBe(130)
    expect(await readdir(out)).toEqual([])
  })
})
