import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, it } from 'vitest'

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url))

let child: ChildProcess | undefined
afterEach(() => {
  child?.kill('SIGKILL')
})

it('says when it is ready, serves, and stops when its parent disconnects', async () => {
  child = fork(MAIN, { silent: true, env: { PATH: process.env.PATH, PORT: '0' } })
  const [[message], line] = await Promise.all([once(child, 'message'), firstLine(child.stdout)])
  expect(message).toBe('ready')
  const url = /^AWS simulator ready at (http:\/\/127\.0\.0\.1:\d+)$/.exec(line)?.[1] ?? ''
  expect((await fetch(url, { method: 'POST', body: 'Action=AssumeRole' })).status).toBe(403)
  child.disconnect()
  expect(await once(child, 'exit')).toEqual([0, null])
})

it.each([
  [{ PORT: 'no-port' }, 'AWS simulator: PORT must be a number from 0 to 65535, not "no-port"'],
  [{ PORT: '0', ROLES: '[{"arn":1}]' }, expect.stringMatching(/^AWS simulator: ROLES\/0/)],
])('says in one line why it cannot start with %j', async (env, expected) => {
  child = fork(MAIN, { silent: true, env: { PATH: process.env.PATH, ...env } })
  expect(await firstLine(child.stderr)).toEqual(expected)
})

async function firstLine(stream: ChildProcess['stdout']): Promise<string> {
  if (stream === null) throw new TypeError('the program has no such stream')
  const [line] = await once(createInterface({ input: stream }), 'line')
  return line
}
