import { readFile } from 'node:fs/promises'
import { ConnectionInput } from '@sluice/contracts'
import { CATALOGUE } from '@sluice/providers'
import { expect, it } from 'vitest'
import { DEFAULT_SETTINGS } from './connection.ts'

const document = await readFile(new URL('../../../../docs/connections.md', import.meta.url), 'utf8')

it('docs/connections.md has every field of a connection with its default', () => {
  const rows = rowsBelow('What is set')
  expect([...rows.keys()].toSorted()).toEqual(Object.keys(ConnectionInput.properties).toSorted())
  for (const [field, value] of Object.entries(DEFAULT_SETTINGS)) {
    const [, change = ''] = rows.get(field) ?? []
    const plain = change.replaceAll(/[`,]/g, '')
    expect([plain, JSON.stringify(plain)], field).toContain(JSON.stringify(value))
  }
})

it('docs/connections.md has every field of every config', () => {
  const fields = new Set(Object.values(CATALOGUE).flatMap(({ config }) => Object.keys(config.properties)))
  expect([...rowsBelow('`config`').keys()].toSorted()).toEqual([...fields.add('externalId')].toSorted())
})

/** The cells beside each field in the table below a heading. */
function rowsBelow(heading: string): Map<string, string[]> {
  const [, below = ''] = document.split(`\n## ${heading}\n`)
  const [section = ''] = below.split('\n#')
  const rows = [...section.matchAll(/^\| (\[?`.+)$/gm)].map(([, row = '']) => row.split(/ \| ?/))
  return new Map(
    rows.flatMap(([fields = '', ...cells]) => [...fields.matchAll(/`(\w+)`/g)].map(([, field = '']) => [field, cells])),
  )
}
