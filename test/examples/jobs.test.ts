import { readFileSync, rmSync } from 'node:fs'
import { appendFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { caseLine, type JobName, worlds } from '../../examples/jobs/worlds.ts'
import { command } from '../cli/command.ts'
import { jobOf, jobsFolder } from './job-world.ts'

/** The examples that stand for jobs: those of files and calls. */

const names = Object.keys(worlds) as JobName[]

test.each(names)('%s has 40 lines at most, and is in the table', (name) => {
  const text = readFileSync(join(jobsFolder, `${name}.ts`), 'utf8')
  expect(text.trimEnd().split('\n').length).toBeLessThanOrEqual(40)
  expect(readFileSync(join(jobsFolder, 'README.md'), 'utf8')).toContain(`(${name}.ts)`)
})

test('each file of a job has its world', async () => {
  const files = (await readdir(jobsFolder)).filter((name) => /^\d/.test(name))
  expect(files.toSorted()).toEqual(names.map((name) => `${name}.ts`))
})

test('4: fine-tuning data is checked, redacted, each question once, users in one part', async () => {
  await using job = await jobOf('04-fine-tuning', 300)
  const end = await job.run()
  expect(end).toMatchObject({ code: 0 })
  const [train, held] = [await job.lines('train.jsonl'), await job.lines('test.jsonl')]
  const all = [...train, ...held]
  const answered = Array.from({ length: job.size }, (_, n) => n).filter((n) => n % 25 !== 3)
  // Every tenth asks what the one before asked.
  const kept = [...new Set(answered.map((n) => (n % 10 === 9 ? n - 1 : n)))]
  expect(all.length).toBe(kept.length)
  expect(new Set(all.map(({ question }) => String(question).match(/\d+/)?.[0]))).toEqual(
    new Set(kept.map(String)),
  )
  expect(JSON.stringify(all)).not.toMatch(/@example|1234/)
  expect(train[0]?.['answer']).toMatch(/^Write to \[mail\] or call \[phone\]\. Entry \d+\.$/)
  const users = new Set(train.map(({ user }) => user))
  expect(held.length).toBeGreaterThan(0)
  expect(held.filter(({ user }) => users.has(user))).toEqual([])
})

test('11: all hosts at the same time, each by two calls at most; what is not there is told', async () => {
  await using job = await jobOf('11-crawl', 12)
  const end = await job.run()
  expect(end).toMatchObject({ code: 0 })
  const sites = job.world.sites ?? []
  for (const site of sites) {
    expect(site.mostAtOnce).toBeLessThanOrEqual(2)
    const pages = site.calls.filter((path) => path.startsWith('/page/'))
    // Each page once; those that were refused, twice.
    const refused = [...new Set(pages)].filter((path) => path.endsWith('3'))
    expect(pages.length).toBe(new Set(pages).size + refused.length)
  }
  const pages = await job.lines('pages.jsonl')
  expect(pages.map(({ url }) => url)).toEqual(
    sites.flatMap(({ url }) => Array.from({ length: job.size }, (_, k) => `${url}page/${k}`)),
  )
  expect(pages[1]?.['title']).toBe('Page /page/1')
  expect(end.stderr).toContain('2 dead letters')
  const state = join(job.folder, 'state')
  const { stdout } = await command(
    'dead',
    'list',
    join(jobsFolder, '11-crawl.ts'),
    '--state',
    state,
  )
  expect(stdout).toContain('HttpError: 404 ')
  expect(stdout).toMatch(/TypeError: fetch failed \(Error: .+\)/)
})

test('a job without its input says what is missing, in the first line, without lines of others', async () => {
  await using job = await jobOf('11-crawl', 1)
  rmSync(join(job.folder, 'urls.txt'))
  const { code, stderr } = await job.run()
  expect(code).toBe(1)
  expect(stderr).toMatch(/^MILLSTREAM_DATA: .*cannot read urls\.txt: ENOENT/)
  expect(stderr).not.toContain('Promise.all')
})

test('13: killed and run again, and with cases added, nothing is asked twice', async () => {
  await using job = await jobOf('13-evals', 50)
  const { api } = job.world
  if (api === undefined) throw new Error('there is no API')
  const total = 5 * job.size
  let kills = 0
  for (const served of [total / 4, total / 2]) {
    const { child, ended } = job.start()
    let over = false
    void ended.then(() => (over = true))
    while (!over && api.stats.served < served)
      await new Promise((resolve) => setTimeout(resolve, 2))
    child.kill('SIGKILL')
    await ended
    kills++
  }
  expect(await job.run()).toMatchObject({ code: 0 })
  // Eight at once, as the job says.
  expect(api.stats.served).toBeGreaterThanOrEqual(total)
  expect(api.stats.served).toBeLessThanOrEqual(total + 8 * kills)
  const answers = await job.lines('answers.jsonl')
  expect(answers.length).toBe(total)
  const right = (model: string) => answers.filter((x) => x['model'] === model && x['right']).length
  expect([right('tiny'), right('huge')]).toEqual([total / 25, (9 * total) / 50])

  const before = api.stats.calls
  expect((await job.run('--restart')).code).toBe(0)
  expect(api.stats.calls).toBe(before)
  await appendFile(join(job.folder, 'cases.jsonl'), caseLine(job.size))
  expect((await job.run('--restart')).code).toBe(0)
  expect(api.stats.calls).toBe(before + 5)
  expect((await job.lines('answers.jsonl')).length).toBe(total + 5)
}, 120_000)
