import { afterAll, beforeAll, expect, it } from 'vitest'
import { type RawUpstream, startRawUpstream } from '../testing/raw-upstream.ts'
import { httpImages, type RunningImages } from './http-images.ts'

const PNG = Buffer.from('89504e470d0a1a0a', 'hex')
const SETTINGS = { connectTimeoutMs: 1_000, timeoutMs: 500, maxImagesBytes: 1_000 }
let upstream: RawUpstream
let images: RunningImages
const staying = new AbortController().signal

beforeAll(async () => {
  upstream = await startRawUpstream()
  images = httpImages({ ...SETTINGS, allowInsecureLoopback: true })
  upstream.respond = (request, response) => {
    const answers: Readonly<Record<string, () => void>> = {
      '/a.png': () => response.setHeader('content-type', 'image/PNG; x=1').end(PNG),
      '/moved': () => response.writeHead(302, { location: '/a.png' }).end(),
      '/metadata': () => response.writeHead(302, { location: 'http://169.254.169.254/latest' }).end(),
      '/half': () => response.setHeader('content-type', 'image/png').end(Buffer.alloc(500)),
      '/page': () => response.setHeader('content-type', 'text/html').end('<html>'),
      '/large': () => response.setHeader('content-type', 'image/png').end(Buffer.alloc(2_000)),
      '/silent': () => undefined,
    }
    const answer = answers[(request.url ?? '').split('?')[0] ?? '']
    if (answer === undefined) response.writeHead(404).end()
    else answer()
  }
})

afterAll(async () => {
  await images?.stop()
  await upstream?.stop()
})

const asked = (gone: AbortSignal) => ({ owner: 'key', gone, hold: () => true })
const fetchOne = (path: string) => images.fetch([`${upstream.url}${path}`], asked(staying))

it('fetches images, and where they have moved to', async () => {
  const urls = [`${upstream.url}/a.png`, `${upstream.url}/moved`]
  const image = { mediaType: 'image/png', base64: PNG.toString('base64') }
  expect(await images.fetch(urls, asked(staying))).toEqual(new Map(urls.map((url) => [url, image])))
})

it.each([
  ['/page', 'is no image'],
  ['/none', 'was answered with status 404'],
  ['/large', 'is too large: 1000 bytes are the most for a request'],
  ['/silent', 'did not arrive within 0.5 s'],
  ['/metadata', 'is at an address that no image may be fetched from'],
])('says why %s could not be had', async (path, reason) => {
  expect(await fetchOne(path)).toEqual({ url: `${upstream.url}${path}`, reason })
})

it('lets go of what it fetches when the application goes away', async () => {
  const leaving = new AbortController()
  const answers = upstream.respond
  const gone = new Promise<void>((resolve) => {
    upstream.respond = (_request, response) => {
      response.on('close', resolve)
      leaving.abort()
    }
  })
  const patient = httpImages({ ...SETTINGS, timeoutMs: 60_000, allowInsecureLoopback: true })
  expect(await patient.fetch([`${upstream.url}/a.png`], asked(leaving.signal))).toHaveProperty('reason')
  await gone
  upstream.respond = answers
  await patient.stop()
})

it('reaches nothing of this machine or a private network', async () => {
  const outside = httpImages({ ...SETTINGS, allowInsecureLoopback: false })
  for (const url of [
    `${upstream.url}/a.png`,
    'https://10.0.0.1/a.png',
    'https://[::1]/a.png',
    'https://localhost/a.png',
  ]) {
    const reason = 'is at an address that no image may be fetched from'
    expect(await outside.fetch([url], asked(staying))).toEqual({ url, reason })
  }
  await outside.stop()
})

it('refuses images that are too large together', async () => {
  const urls = Array.from({ length: 3 }, (_, index) => `${upstream.url}/half?${index}`)
  expect(await images.fetch(urls.slice(1), asked(staying))).toBeInstanceOf(Map)
  expect(await images.fetch(urls, asked(staying))).toMatchObject({ reason: expect.stringMatching(/^is too large/) })
})

it('refuses more images than a request may refer to, without asking for any', async () => {
  const urls = Array.from({ length: 21 }, (_, index) => `${upstream.url}/${index}.png`)
  expect(await images.fetch(urls, asked(staying))).toEqual({
    url: urls[20],
    reason: 'is one too many: a request may refer to 20',
  })
})
