import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'

function run(env: Record<string, string>): ChildProcessWithoutNullStreams {
  const child = spawn(process.execPath, [join(import.meta.dirname, '__fixtures__/waiting-service/main.ts')], { env })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

it('ends at once when it is asked to stop while it still waits for another', async () => {
  const child = run({ NEEDED: 'yes' })
  await once(child.stdout, 'data')
  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([0, null])
})

it('names the settings that are wrong, and nothing else', async () => {
  const child = run({ NATS_REPLICAS: 'many' })
  const said = child.stderr.setEncoding('utf8').toArray()
  expect(await once(child, 'exit')).toEqual([1, null])
  const lines = (await said).join('').trimEnd().split('\n')
  expect(lines[0]).toBe('fixture: a setting is missing or wrong')
  expect(lines.slice(1).toSorted()).toEqual([
    expect.stringMatching(/^NATS_REPLICAS .*integer/),
    expect.stringMatching(/^NEEDED /),
  ])
})
