/**
 * The house rules a linter does not know: who may import whom, no cycles between folders, no default exports in
 * src/, nothing out of dist/, no file over 500 lines.
 *
 *     node scripts/check-imports.mjs [ROOT]
 *
 * Prints one line for each breach - file, import, rule - and exits with 1 when there is one.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import ts from 'typescript'

/**
 * The storeys of src/, top to bottom. A folder imports from storeys below it, and from its own as long as no
 * cycle comes of it. `index.ts` is src/index.ts: what it exports is the public API.
 */
const storeys = [
  ['testing'],
  ['ml', 'cli', 'ui', 'postgres'],
  ['index.ts'],
  ['dataset'],
  ['place', 'stage', 'cluster'],
  ['run'],
  ['segment', 'rewrite'],
  ['operators', 'sources', 'sinks', 'formats', 'storage'],
  ['limit', 'image'],
  ['stream', 'tensor', 'http'],
  ['plan'],
  ['errors', 'trace'],
]

/** Folders that may import less than their storey lets them. */
const only = new Map([
  ['errors', []],
  ['image', ['errors', 'tensor']],
  ['http', ['errors']],
])

/** Folders built on the public API: of other folders they see the `index.ts`, and nothing behind it. */
const outsiders = new Set(['ml', 'cli', 'ui', 'postgres'])

const maxLines = 500
const codeFolders = ['src', 'test', 'examples', 'bench', 'scripts']
const skipped = new Set(['node_modules', 'dist', 'data', 'results', '.cache'])

/**
 * One breach of a rule.
 * @typedef {{ file: string, line: number, found: string, rule: string }} Breach
 */

/**
 * Checks the repository under `root`.
 * @param {string} root
 * @returns {Breach[]}
 */
export function checkImports(root) {
  /** @type {Breach[]} */
  const breaches = []
  /** First import seen from one folder to another, by `from>to`. @type {Map<string, Breach>} */
  const edges = new Map()
  for (const file of codeFolders.flatMap((folder) => codeFilesUnder(join(root, folder)))) {
    const text = readFileSync(file, 'utf8')
    const name = slashes(relative(root, file))
    checkLength(name, text, breaches)
    const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
    if (name.startsWith('src/')) checkDefaultExports(name, source, breaches)
    for (const { specifier, line } of importsOf(source)) {
      if (!specifier.startsWith('.')) continue
      const target = slashes(relative(root, resolve(dirname(file), specifier)))
      /** @type {Breach} */
      const breach = { file: name, line, found: `imports '${specifier}'`, rule: '' }
      const rule = ruleAgainst(name, target)
      if (rule !== undefined) breaches.push({ ...breach, rule })
      const [from, to] = [folderOf(name), folderOf(target)]
      if (rule !== undefined || from === undefined || to === undefined || from === to) continue
      if (!edges.has(`${from}>${to}`)) edges.set(`${from}>${to}`, breach)
    }
  }
  return [...breaches, ...cycles(edges)]
}

/**
 * The rule that forbids `file` to import `target`, if there is one. Both are paths from the root.
 * @param {string} file
 * @param {string} target
 * @returns {string | undefined}
 */
function ruleAgainst(file, target) {
  if (target === 'dist' || target.startsWith('dist/')) {
    return "nothing imports from dist/: use the source, or the package's name"
  }
  const [from, to] = [folderOf(file), folderOf(target)]
  if (from === undefined) return undefined
  if (to === undefined) return 'src/ imports nothing from outside src/'
  if (from === to) return undefined
  const [level, below] = [storeyOf(from), storeyOf(to)]
  if (level === -1) return `src/${from} has no storey: give it one in scripts/check-imports.mjs`
  if (below === -1) return `src/${to} has no storey: give it one in scripts/check-imports.mjs`
  if (below < level) return `imports go down only: ${from} is below ${to}`
  const allowed = only.get(from)
  if (allowed !== undefined && !allowed.includes(to)) {
    return `${from} imports only ${allowed.join(', ') || 'from its own folder'}`
  }
  if (outsiders.has(from) && to !== 'index.ts' && !/^src\/[^/]+\/index\.ts$/.test(target)) {
    return `${from} is built on the public API: import '../index.ts' or '../${to}/index.ts'`
  }
  return undefined
}

/**
 * Cycles between folders: each is reported at every import that is part of one.
 * @param {Map<string, Breach>} edges
 * @returns {Breach[]}
 */
function cycles(edges) {
  /** @type {Map<string, string[]>} */
  const graph = new Map()
  for (const edge of edges.keys()) {
    const [from = '', to = ''] = edge.split('>')
    graph.set(from, [...(graph.get(from) ?? []), to])
  }
  /** @type {Breach[]} */
  const found = []
  for (const [edge, breach] of edges) {
    const [from = '', to = ''] = edge.split('>')
    const back = pathBetween(graph, to, from)
    if (back === undefined) continue
    found.push({ ...breach, rule: `no cycles between folders: ${[from, ...back].join(' -> ')}` })
  }
  return found
}

/**
 * The folders on a way from `start` to `goal`, both included.
 * @param {Map<string, string[]>} graph
 * @param {string} start
 * @param {string} goal
 * @returns {string[] | undefined}
 */
function pathBetween(graph, start, goal) {
  const seen = new Set([start])
  const queue = [[start]]
  for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
    const last = path.at(-1) ?? start
    if (last === goal) return path
    for (const next of graph.get(last) ?? []) {
      if (seen.has(next)) continue
      seen.add(next)
      queue.push([...path, next])
    }
  }
  return undefined
}

/**
 * @param {string} name
 * @param {string} text
 * @param {Breach[]} breaches
 */
function checkLength(name, text, breaches) {
  const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0)
  if (lines <= maxLines) return
  breaches.push({
    file: name,
    line: lines,
    found: `has ${lines} lines`,
    rule: `a file has ${maxLines} lines at most`,
  })
}

/**
 * @param {string} name
 * @param {ts.SourceFile} source
 * @param {Breach[]} breaches
 */
function checkDefaultExports(name, source, breaches) {
  for (const statement of source.statements) {
    if (!exportsDefault(statement)) continue
    const found = statement.getText(source).split('\n', 1)[0] ?? ''
    breaches.push({
      file: name,
      line: lineOf(source, statement),
      found,
      rule: 'src/ has no default exports: a thing has one name everywhere',
    })
  }
}

/** @param {ts.Statement} statement */
function exportsDefault(statement) {
  if (ts.isExportAssignment(statement)) return true
  if (ts.isExportDeclaration(statement)) {
    const clause = statement.exportClause
    return (
      clause !== undefined &&
      ts.isNamedExports(clause) &&
      clause.elements.some((element) => element.name.text === 'default')
    )
  }
  return (
    ts.canHaveModifiers(statement) &&
    ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword) === true
  )
}

/**
 * All modules a file names: import, export from, import(), import types.
 * @param {ts.SourceFile} source
 */
function importsOf(source) {
  /** @type {{ specifier: string, line: number }[]} */
  const found = []
  /** @param {ts.Node} node */
  const visit = (node) => {
    const literal = moduleNamedBy(node)
    if (literal !== undefined && ts.isStringLiteralLike(literal)) {
      found.push({ specifier: literal.text, line: lineOf(source, node) })
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

/**
 * @param {ts.Node} node
 * @returns {ts.Node | undefined}
 */
function moduleNamedBy(node) {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return node.moduleSpecifier
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) return node.argument.literal
  const isImport = ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword
  return isImport ? node.arguments[0] : undefined
}

/**
 * @param {ts.SourceFile} source
 * @param {ts.Node} node
 */
function lineOf(source, node) {
  return source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1
}

/**
 * The folder of src/ that a path is in, or the file's name for files right in src/.
 * @param {string} path
 */
function folderOf(path) {
  return path.startsWith('src/') ? path.split('/')[1] : undefined
}

/** @param {string} folder */
function storeyOf(folder) {
  return storeys.findIndex((storey) => storey.includes(folder))
}

/**
 * @param {string} folder
 * @returns {string[]}
 */
function codeFilesUnder(folder) {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) return skipped.has(entry.name) ? [] : codeFilesUnder(path)
      return /\.[cm]?[jt]sx?$/.test(entry.name) ? [path] : []
    })
}

/** @param {string} path */
function slashes(path) {
  return path.split(sep).join('/')
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const breaches = checkImports(resolve(process.argv[2] ?? '.'))
  for (const { file, line, found, rule } of breaches) {
    console.error(`${file}:${line}: ${found}\n    ${rule}`)
  }
  if (breaches.length > 0) {
    console.error(`${breaches.length} breaches of the house rules`)
    process.exitCode = 1
  }
}
