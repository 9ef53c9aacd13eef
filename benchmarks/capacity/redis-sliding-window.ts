import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '@sluice/local-servers'
import { createClient } from 'redis'
import { stopProcess } from '../shared/processes.ts'
import {
  type PermitSource,
  REQUESTS_PER_MINUTE,
  RESERVED_TOKENS,
  TOKENS_PER_MINUTE,
  USED_TOKENS,
} from './permit-source.ts'

/**
 * The common approach: one Redis script per permit, here over the same 61 slots of a minute for requests and tokens,
 * and a second one that settles. Redis syncs its log once a second (`appendfsync everysec`), as durable as NATS in the
 * embedded start.
 */
export async function redisPermits(): Promise<PermitSource> {
  const port = await freePort()
  const dataDir = await mkdtemp(join(tmpdir(), 'sluice-benchmark-redis-'))
  const settings = ['--port', String(port), '--bind', '127.0.0.1', '--dir', dataDir, '--save', '']
  const server = spawn('redis-server', [...settings, '--appendonly', 'yes', '--appendfsync', 'everysec'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await untilReady(server)
  const client = createClient({ url: `redis://127.0.0.1:${port}` })
  await client.connect()
  const [acquire, settle] = await Promise.all([client.scriptLoad(ACQUIRE), client.scriptLoad(SETTLE)])

  return {
    name: 'Redis, a Lua sliding window',
    takePermit: async (connectionId) => {
      const slot = Math.floor(Date.now() / 1_000)
      const limits = [String(REQUESTS_PER_MINUTE), String(TOKENS_PER_MINUTE)]
      const granted = await client.evalSha(acquire, {
        keys: [connectionId],
        arguments: [String(slot), String(RESERVED_TOKENS), ...limits],
      })
      if (granted !== 1) throw new Error('not granted')
      void client.evalSha(settle, {
        keys: [connectionId],
        arguments: [String(slot), String(USED_TOKENS - RESERVED_TOKENS)],
      })
    },
    stop: async () => {
      await client.close()
      await stopProcess(server)
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

async function untilReady(server: ChildProcess): Promise<void> {
  for (let output = ''; !output.includes('Ready to accept connections'); ) {
    const [chunk] = await once(server.stdout ?? server, 'data')
    output += String(chunk)
  }
  server.stdout?.resume()
}

/** KEYS: connection. ARGV: slot, tokens, request limit, token limit. Fields of the hash: `r<slot>`, `t<slot>`. */
const ACQUIRE = `
local slot = tonumber(ARGV[1])
local requests, tokens, old = 0, 0, {}
local fields = redis.call('HGETALL', KEYS[1])
for i = 1, #fields, 2 do
  local at = tonumber(string.sub(fields[i], 2))
  if at < slot - 60 then old[#old + 1] = fields[i]
  elseif string.sub(fields[i], 1, 1) == 'r' then requests = requests + fields[i + 1]
  else tokens = tokens + fields[i + 1] end
end
if #old > 0 then redis.call('HDEL', KEYS[1], unpack(old)) end
if requests + 1 > tonumber(ARGV[3]) or tokens + ARGV[2] > tonumber(ARGV[4]) then return 0 end
redis.call('HINCRBY', KEYS[1], 'r' .. slot, 1)
redis.call('HINCRBY', KEYS[1], 't' .. slot, ARGV[2])
redis.call('EXPIRE', KEYS[1], 120)
return 1`

/** KEYS: connection. ARGV: charged slot, tokens to add. */
const SETTLE = `redis.call('HINCRBY', KEYS[1], 't' .. ARGV[1], ARGV[2]) return 1`
