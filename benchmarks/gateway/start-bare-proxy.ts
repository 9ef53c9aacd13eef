import { join } from 'node:path'
import { freePort } from '@sluice/local-servers'
import { pidOf, startProgram, stopProcess } from '../shared/service-process.ts'
import type { Contender, UpstreamAddress } from './contender.ts'

/** Fastify and undici with nothing in between. */
export async function startBareProxy(upstream: UpstreamAddress): Promise<Contender> {
  const port = await freePort()
  const child = await startProgram(join(import.meta.dirname, 'bare-proxy.ts'), {
    PORT: String(port),
    UPSTREAM_URL: upstream.origin,
    API_KEY: upstream.apiKey,
  })
  return {
    name: 'bare Fastify + undici proxy',
    pid: pidOf(child),
    chatUrl: `http://127.0.0.1:${port}/v1/chat/completions`,
    headers: { authorization: 'Bearer anything' },
    stop: () => stopProcess(child),
  }
}
