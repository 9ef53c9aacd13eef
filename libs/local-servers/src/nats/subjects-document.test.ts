import { readFile } from 'node:fs/promises'
import { subjectOfAll } from '@sluice/contracts'
import { expect, it } from 'vitest'
import { natsConfigFile } from './nats-config.ts'

it('docs/nats-subjects.md has a row for every subject that integrations may use, and for no other', async () => {
  const document = await readFile(new URL('../../../../docs/nats-subjects.md', import.meta.url), 'utf8')
  const rows = [...document.matchAll(/^\| `([a-z0-9.-]+)(\.<id>)?` \|(.*)\|$/gm)]
  const documented = rows.flatMap(([, subject = '', id, cells = '']) => {
    const permitted = id === undefined ? subject : `${subject}.*`
    return /, all after [\d.]+ s $/.test(cells) ? [permitted, subjectOfAll(permitted)] : [permitted]
  })
  const config = await readFile(natsConfigFile, 'utf8')
  const [, ofIntegration = ''] = /user: integration$(.*?)^ {4}\}/ms.exec(config) ?? []
  const permitted = [...ofIntegration.matchAll(/^\s+"(?!_INBOX)(.+)"$/gm)].map(([, subject]) => subject)
  expect(documented.toSorted()).toEqual(permitted.map((subject) => subject?.replace(/>$/, '*')).toSorted())
})
