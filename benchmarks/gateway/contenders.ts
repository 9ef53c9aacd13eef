import { execFile, spawn } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { until } from '@sluice/local'
import { freePort } from '@sluice/local-servers'
import { PROJECT_DIR } from '../shared/nats.ts'
import { pidOf, startProgram, stopProcess } from '../shared/processes.ts'
import { startSluice } from '../shared/sluice.ts'

/** A running proxy to the upstream, which the benchmark puts under load. */
export interface Contender {
  readonly name: string
  /** The process whose CPU time is measured. */
  readonly pid: number
  /** The URL for chat completions. */
  readonly chatUrl: string
  readonly headers: Readonly<Record<string, string>>
  stop(): Promise<void>
}

/** The upstream of all contenders, and its API key. */
export interface UpstreamAddress {
  /** `http://127.0.0.1:port` */
  readonly origin: string
  readonly apiKey: string
}

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

/**
 * Sluice with everything it does for a request: key check, permit, settlement, response event; limits that are never
 * reached.
 */
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

const VERSION = '1.15.2'
export const PORTKEY_PACKAGE = `@portkey-ai/gateway@${VERSION}`

/**
 * Portkey's open-source gateway, from the npm registry (kept in `.sluice/portkey`), run by this Node so that its
 * process can be measured and stopped. Returns undefined, and prints why, if npm cannot install it.
 * @see https://portkey.ai/docs/integrations/llms/byollm: a request header has the provider's address
 */
export async function startPortkey(upstream: UpstreamAddress): Promise<Contender | undefined> {
  const program = await portkeyProgram()
  if (program === undefined) return undefined
  const port = await freePort()
  const child = spawn(process.execPath, [program, '--headless', `--port=${port}`], {
    env: { PATH: process.env.PATH, NODE_ENV: 'production' },
    stdio: 'ignore',
  })
  const contender: Contender = {
    name: 'Portkey',
    pid: pidOf(child),
    chatUrl: `http://127.0.0.1:${port}/v1/chat/completions`,
    headers: {
      authorization: `Bearer ${upstream.apiKey}`,
      'x-portkey-provider': 'openai',
      'x-portkey-custom-host': `${upstream.origin}/v1`,
    },
    stop: () => stopProcess(child),
  }
  try {
    await until('Portkey', () => isListening(`http://127.0.0.1:${port}/`), Boolean)
    return contender
  } catch (error) {
    await contender.stop()
    throw error
  }
}

async function portkeyProgram(): Promise<string | undefined> {
  const folder = join(PROJECT_DIR, '.sluice/portkey')
  try {
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'package.json'), JSON.stringify(MANIFEST))
    await promisify(execFile)('npm', ['install', '--no-audit', '--no-fund'], {
      cwd: folder,
      timeout: INSTALL_TIMEOUT_MS,
    })
    return join(folder, 'node_modules/@portkey-ai/gateway/build/start-server.js')
  } catch (error) {
    console.error(`${PORTKEY_PACKAGE} cannot be installed from the npm registry, so it is left out:\n`, error)
    return undefined
  }
}

/** With the newest `@hono/node-server` in its range, it responds to every stream with 500 (`TypeError: immutable`). */
const MANIFEST = {
  private: true,
  dependencies: { '@portkey-ai/gateway': VERSION },
  overrides: { '@hono/node-server': '1.13.8' },
}
const INSTALL_TIMEOUT_MS = 60_000

async function isListening(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok
  } catch {
    return false // Not listening yet.
  }
}
