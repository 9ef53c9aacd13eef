import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { capacityStatus } from '@sluice/contracts'
import { request } from '@sluice/messaging'
import { eventually, itWhere } from '@sluice/testkit'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { IMAGE_BASE64 } from '../support/native-sdk.ts'
import { startBeforeAll } from '../support/start-before-all.ts'
import { raised, startUnifiedPath } from '../support/unified-client.ts'

const hasOpenSsl = isInstalled('openssl')
const trusted = getCACertificates('default')
let folder: string
let images: Server
let imageUrl: string
let fetched: number
let delayMs: number

const path = startBeforeAll(() => startUnifiedPath('google'))
beforeAll(async () => {
  if (!hasOpenSsl) return
  folder = await mkdtemp(join(tmpdir(), 'sluice-images-'))
  const [key, cert] = [join(folder, 'key'), join(folder, 'cert')]
  const subject = ['-subj', '/CN=images', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2']
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key]
  execFileSync('openssl', ['req', '-x509', ...newKey, '-out', cert, ...subject], { stdio: 'pipe' })
  setDefaultCACertificates([...trusted, await readFile(cert, 'utf8')])
  images = createServer({ key: await readFile(key), cert: await readFile(cert) }, (_request, response) => {
    fetched++
    setTimeout(() => response.setHeader('content-type', 'image/png').end(Buffer.from(IMAGE_BASE64, 'base64')), delayMs)
  })
  await once(images.listen(0, '127.0.0.1'), 'listening')
  imageUrl = `https://127.0.0.1:${(images.address() as AddressInfo).port}/a.png`
})

afterAll(async () => {
  setDefaultCACertificates(trusted)
  images?.close()
  if (folder !== undefined) await rm(folder, { recursive: true })
})

function isInstalled(program: string): boolean {
  try {
    execFileSync(program, ['version'], { stdio: 'pipe' })
    return true
  } catch {
    return false
  }
}

async function connection(requests: number) {
  fetched = 0
  delayMs = 0
  const { settings } = await path.connect({ capacity: [{ period: 'day', requests }] })
  const client = new OpenAI({ apiKey: path.apiKey, baseURL: `${path.gateway.url}/v1`, maxRetries: 0 })
  const send = (url: string) =>
    client.chat.completions.create({
      model: `${settings.name}/gemini-2.5-flash`,
      messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }],
    })
  const used = async () => {
    const { windows } = await request(path.gateway.bus, capacityStatus, [settings.id], {})
    return windows[0]?.used
  }
  return { send, used }
}

describe('an image that the provider accepts only inside the request', () => {
  itWhere(
    hasOpenSsl,
    'openssl is not installed',
    'is fetched under a permit, and goes on with the request',
    async () => {
      const { send, used } = await connection(1)
      expect((await send(imageUrl)).choices).toHaveLength(1)
      expect(JSON.stringify(path.simulator.requests.list().at(-1))).toContain(IMAGE_BASE64)
      expect(await used()).toBe(1)
      expect(fetched).toBe(1)
      await raised(send(imageUrl), OpenAI.RateLimitError, /capacity/)
      expect(fetched).toBe(1)
    },
  )

  itWhere(hasOpenSsl, 'openssl is not installed', 'leaves the permit to others when it cannot be had', async () => {
    const { send, used } = await connection(1)
    await raised(send('https://127.0.0.1:1/a.png'), OpenAI.BadRequestError, /could not be fetched/)
    await eventually(async () => expect(await used()).toBe(0))
    expect((await send(imageUrl)).choices).toHaveLength(1)
  })

  itWhere(
    hasOpenSsl,
    'openssl is not installed',
    'is fetched once and charged once, though it takes longer than a permit holds',
    async () => {
      const { send, used } = await connection(2)
      delayMs = 4_000
      expect((await send(imageUrl)).choices).toHaveLength(1)
      expect(fetched).toBe(1)
      await eventually(async () => expect(await used()).toBe(1))
    },
  )
})
