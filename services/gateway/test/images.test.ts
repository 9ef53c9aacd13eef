import type { ServerResponse } from 'node:http'
import { eventually } from '@sluice/testkit'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { httpImages, type RunningImages } from '../src/translation/images.ts'
import { type RawUpstream, startRawUpstream } from './support/raw-upstream.ts'
import { startBeforeAll } from './support/start-before-all.ts'

const PNG = Buffer.from('89504e470d0a1a0a', 'hex')
const JPEG = Buffer.concat([Buffer.from('ffd8ffe000104a464946', 'hex'), Buffer.alloc(90)])
const SETTINGS = { connectTimeoutMs: 1_000, timeoutMs: 500, maxImagesBytes: 1_000 }
let images: RunningImages
const staying = { owner: 'k', disconnected: new AbortController().signal, hold: () => true }
const fault = (url: string, reason: string) => ({ fault: 'bad-image', message: `The image at ${url} ${reason}.` })

const upstream = startBeforeAll(startRawUpstream)
beforeAll(async () => {
  images = httpImages({ ...SETTINGS, allowInsecureLoopback: true })
  upstream.respond = (request, response) => {
    const responses: Readonly<Record<string, () => void>> = {
      '/a.png': () => response.setHeader('content-type', 'image/PNG; x=1').end(PNG),
      '/moved': () => response.writeHead(302, { location: '/a.png' }).end(),
      '/metadata': () => response.writeHead(302, { location: 'http://169.254.169.254/latest' }).end(),
      '/half': () => response.setHeader('content-type', 'image/png').end(Buffer.alloc(500)),
      '/a.jpg': () => response.setHeader('content-type', 'image/jpg').end(JPEG),
      '/octets': () => response.setHeader('content-type', 'application/octet-stream').end(JPEG),
      '/unlabelled': () => response.end(JPEG),
      '/wrong': () => response.setHeader('content-type', 'image/png').end(JPEG),
      '/bytewise': () => {
        for (const byte of JPEG) response.write(Buffer.of(byte))
        response.end()
      },
      '/endless': () => response.write(Buffer.alloc(100)),
      '/unknown': () => response.setHeader('content-type', 'image/x-new').end(Buffer.alloc(100)),
      '/empty': () => response.end(),
      '/page': () => response.setHeader('content-type', 'text/html').end('<html>'),
      '/large': () => response.setHeader('content-type', 'image/png').end(Buffer.alloc(2_000)),
      '/silent': () => undefined,
    }
    const clientResponse = responses[(request.url ?? '').split('?')[0] ?? '']
    if (clientResponse === undefined) response.writeHead(404).end()
    else clientResponse()
  }
})

afterAll(async () => {
  await images?.stop()
})

const fetchOne = (path: string) => images.fetch([`${upstream.url}${path}`], staying)

it('fetches images and follows redirects', async () => {
  const urls = [`${upstream.url}/a.png`, `${upstream.url}/moved`]
  const image = { mediaType: 'image/png', base64: PNG.toString('base64') }
  expect(await images.fetch(urls, staying)).toEqual(new Map(urls.map((url) => [url, image])))
})

it.each(['/a.jpg', '/octets', '/unlabelled', '/wrong', '/bytewise'])(
  'sees the JPEG in %s by its bytes',
  async (path) => {
    const image = { mediaType: 'image/jpeg', base64: JPEG.toString('base64') }
    expect(await fetchOne(path)).toEqual(new Map([[`${upstream.url}${path}`, image]]))
  },
)

it('uses the content type if the bytes have no known signature', async () => {
  const image = { mediaType: 'image/x-new', base64: Buffer.alloc(100).toString('base64') }
  expect(await fetchOne('/unknown')).toEqual(new Map([[`${upstream.url}/unknown`, image]]))
})

it.each([
  ['/page', 'is no image: it came as text/html'],
  ['/endless', 'is no image'],
  ['/empty', 'is no image'],
  ['/none', 'came with status 404'],
  ['/large', 'is too large: 1000 bytes are the most for a request'],
  ['/silent', 'did not arrive within 0.5 s'],
  ['/metadata', 'is at an address that no image may be fetched from'],
])('says why %s could not be fetched', async (path, reason) => {
  expect(await fetchOne(path)).toEqual(fault(`${upstream.url}${path}`, reason))
})

it('aborts its fetches when the client disconnects', async () => {
  const leaving = new AbortController()
  const respond = upstream.respond
  const closed = new Promise<void>((resolve) => {
    upstream.respond = (_request, response) => {
      response.on('close', resolve)
      leaving.abort()
    }
  })
  const patient = httpImages({ ...SETTINGS, timeoutMs: 60_000, allowInsecureLoopback: true })
  expect(await patient.fetch([`${upstream.url}/a.png`], { ...staying, disconnected: leaving.signal })).toHaveProperty(
    'fault',
  )
  await closed
  upstream.respond = respond
  await patient.stop()
})

it('cannot reach this machine or a private network', async () => {
  const outside = httpImages({ ...SETTINGS, allowInsecureLoopback: false })
  for (const url of [
    `${upstream.url}/a.png`,
    'https://10.0.0.1/a.png',
    'https://[::1]/a.png',
    'https://localhost/a.png',
  ]) {
    const reason = 'is at an address that no image may be fetched from'
    expect(await outside.fetch([url], staying)).toEqual(fault(url, reason))
  }
  await outside.stop()
})

it('refuses images whose total size is too large', async () => {
  const urls = Array.from({ length: 3 }, (_, index) => `${upstream.url}/half?${index}`)
  expect(await images.fetch(urls.slice(1), staying)).toBeInstanceOf(Map)
  expect(await images.fetch(urls, staying)).toMatchObject({ message: expect.stringContaining('is too large') })
})

it('refuses too many images without fetching any', async () => {
  const urls = Array.from({ length: 21 }, (_, index) => `${upstream.url}/${index}.png`)
  expect(await images.fetch(urls, staying)).toEqual(fault(`${urls[20]}`, 'is one too many: a request may refer to 20'))
})

it('drops an image for which there is no memory, and says that a retry may succeed', async () => {
  const requested: number[] = []
  const hold = (bytes: number) => requested.push(bytes) > 1
  const urls = [`${upstream.url}/half?a`, `${upstream.url}/half?b`]
  expect(await images.fetch(urls, { ...staying, hold })).toMatchObject({ fault: 'busy' })
  const sizes: number[] = []
  expect(await images.fetch(urls, { ...staying, hold: (bytes) => sizes.push(bytes) > 0 })).toBeInstanceOf(Map)
  expect(sizes.reduce((sum, bytes) => sum + bytes, 0)).toBe(1_000)
})

describe('while the images of one API key do not arrive', () => {
  const held: ServerResponse[] = []
  let respond: RawUpstream['respond']
  let greedy: Promise<unknown>[]
  let patient: RunningImages
  const fetched: string[] = []
  const leaving: AbortController[] = []

  const send = async (index: number): Promise<void> => {
    const going = new AbortController()
    leaving.push(going)
    const request = { ...staying, owner: 'greedy', disconnected: going.signal }
    const outcome = await patient.fetch([`${upstream.url}/held?${index}`], request)
    fetched.push('fault' in outcome ? outcome.fault : 'fetched')
  }

  beforeEach(async () => {
    respond = upstream.respond
    upstream.respond = (request, response) => {
      if (request.url?.startsWith('/held')) held.push(response)
      else respond(request, response)
    }
    patient = httpImages({ ...SETTINGS, timeoutMs: 20_000, allowInsecureLoopback: true })
    greedy = Array.from({ length: 60 }, (_, index) => send(index))
    await eventually(() => expect(held).toHaveLength(8))
  })

  afterEach(async () => {
    upstream.respond = respond
    await patient.stop()
    for (const response of held.splice(0)) response.destroy()
    await Promise.all(greedy)
    fetched.splice(0)
    leaving.splice(0)
  })

  it('images of another key are fetched at once', async () => {
    for (let times = 0; times < 30; times++) {
      expect(await patient.fetch([`${upstream.url}/a.png`], { ...staying, owner: 'other' })).toBeInstanceOf(Map)
    }
    expect(held).toHaveLength(8)
  })

  it('more images of the key wait, and those beyond the maximum are refused at once', async () => {
    await eventually(() => expect(fetched).toEqual(Array.from({ length: 60 - 8 - 32 }, () => 'busy')))
  })

  it('images that wait are fetched in turn, each with its full time limit', async () => {
    for (const response of held.splice(0)) response.setHeader('content-type', 'image/png').end(PNG)
    await eventually(() => expect(held).toHaveLength(8))
    expect(fetched.filter((outcome) => outcome === 'fetched')).toHaveLength(8)
  })

  it('a client that disconnects while it waits frees its place', async () => {
    await eventually(() => expect(fetched).toHaveLength(20))
    leaving[20]?.abort()
    await eventually(() => expect(fetched).toHaveLength(21))
    greedy.push(send(60))
    await new Promise((resolve) => setImmediate(resolve))
    expect(fetched).toHaveLength(21)
  })
})

it('the time limit counts from a request’s turn', async () => {
  const quick = httpImages({ ...SETTINGS, timeoutMs: 2_000, allowInsecureLoopback: true })
  const respond = upstream.respond
  upstream.respond = (_request, response) => {
    setTimeout(() => response.setHeader('content-type', 'image/png').end(PNG), 1_200)
  }
  // Those of one key go on eight at a time: the second eight have their images after more than the limit.
  const outcomes = await Promise.all(Array.from({ length: 16 }, () => quick.fetch([`${upstream.url}/slow`], staying)))
  upstream.respond = respond
  await quick.stop()
  for (const outcome of outcomes) expect(outcome).toBeInstanceOf(Map)
})
