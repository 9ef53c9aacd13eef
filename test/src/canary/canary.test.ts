import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { type CanaryRun, connectProviders, startCanaryRun } from './canary-run.ts'
import { changeCredentials, createOverBus, misplaceSecrets, operate, readEverything } from './drive-admin.ts'
import { callBedrock, callEchoingProvider, callProviders, callWrongly, killGateway } from './drive-gateway.ts'
import { createSecretSearch } from './secret-search.ts'

let run: CanaryRun

beforeAll(async () => {
  run = await startCanaryRun()
})
afterAll(() => run?.stop())

it('no secret appears in any response, message, log, table or file, however it entered', async () => {
  await connectProviders(run)
  await callProviders(run)
  await callEchoingProvider(run)
  await callWrongly(run)
  await changeCredentials(run)
  await misplaceSecrets(run)
  await operate(run)
  await createOverBus(run)
  await callBedrock(run)
  await killGateway(run)
  await vi.waitFor(async () => expect(await recordedRequests()).toBeGreaterThan(0), { timeout: 10_000 })
  await readEverything(run)

  const written = Object.entries(await run.written())
  const searchMarker = createSecretSearch(new Map([['marker', run.marker]]))
  const markers = written.map(([place, content]) => [place, searchMarker(content)])
  expect(markers).toEqual(written.map(([place]) => [place, ['marker (plain)']]))

  const search = createSecretSearch(run.canaries.all())
  // A model's output may appear in the response to the application, and nowhere else.
  const searchResponses = createSecretSearch(run.canaries.all('model output'))
  const found = written.map(([place, content]) => [
    place,
    place === 'the HTTP responses' ? searchResponses(content) : search(content),
  ])
  expect(found).toEqual(written.map(([place]) => [place, []]))
}, 90_000)

/** Returns the recorded requests of the connection that received the last request. */
async function recordedRequests(): Promise<number> {
  const { items } = JSON.parse((await run.admin('/connections?search=bedrock')).text)
  const to = new Date(Date.now() + 60_000).toISOString()
  const { points } = JSON.parse((await run.admin(`/connections/${items[0].id}/usage?to=${to}`)).text)
  return points.reduce((sum: number, point: { requests: number }) => sum + point.requests, 0)
}
