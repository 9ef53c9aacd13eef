import { pidOf } from '../shared/service-process.ts'
import { startSluice } from '../shared/sluice.ts'
import type { Contender, UpstreamAddress } from './contender.ts'

/** Everything that Sluice does for a request: key check, permit, settlement, response event; limits that are never reached. */
export async function startSluiceContender(natsUrl: string, upstream: UpstreamAddress): Promise<Contender> {
  const sluice = await startSluice({
    natsUrl,
    upstreamBaseUrl: `${upstream.origin}/v1`,
    upstreamKey: upstream.apiKey,
    capacity: [{ period: 'minute', requests: 1_000_000_000, tokens: 1_000_000_000_000 }],
  })
  return {
    name: 'Sluice',
    pid: pidOf(sluice.gateway),
    chatUrl: sluice.chatUrl,
    headers: { authorization: `Bearer ${sluice.apiKey}` },
    stop: sluice.stop,
  }
}
