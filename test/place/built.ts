import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import type * as Millstream from 'millstream'

/**
 * The package as users have it. Its workers load JavaScript and start many times faster than those of the sources, so
 * tests that end many of them can afford it.
 */
const url = pathToFileURL(createRequire(import.meta.url).resolve('millstream')).href

export const built = (await import(/* @vite-ignore */ url)) as typeof Millstream
