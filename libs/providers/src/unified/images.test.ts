import { expect, it } from 'vitest'
import { imageSource } from './images.ts'

it.each([
  ['data:image/png;base64,AAAA', { inline: { mediaType: 'image/png', base64: 'AAAA' } }],
  ['DATA:image/SVG+xml;charset=utf-8;BASE64,aA+/==', { inline: { mediaType: 'image/svg+xml', base64: 'aA+/' } }],
  ['https://example.com/a.png', { url: 'https://example.com/a.png' }],
])('finds the image of %s', (url, source) => {
  expect(imageSource(url, 'p')).toEqual(source)
})

const JPEG = Buffer.from('ffd8ffe000104a46494600010100000100010000fbff', 'hex')
const PNG = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex')
const inBase64 = (bytes: Buffer) => bytes.toString('base64')

it.each([
  'image/jpg',
  'image/pjpeg',
  'IMAGE/JPG',
  'image/png',
  'application/octet-stream',
  'binary/octet-stream',
  'text/plain',
  'image/jpeg;charset=utf-8',
  'image/jpeg;name="a b.jpg"',
  '',
])('takes a JPEG for one that is labelled "%s"', (label) => {
  const inline = { mediaType: 'image/jpeg', base64: inBase64(JPEG) }
  expect(imageSource(`data:${label};base64,${inBase64(JPEG)}`, 'p')).toEqual({ inline })
})

it('takes a label where the bytes show nothing', () => {
  const inline = { mediaType: 'image/jpeg', base64: 'AAAA' }
  expect(imageSource('data:image/jpg;base64,AAAA', 'p')).toEqual({ inline })
})

it.each([
  ['line breaks', inBase64(JPEG).replace(/.{8}/g, '$&\r\n')],
  ['spaces around', ` ${inBase64(JPEG)} \n`],
  ['the alphabet of URLs', JPEG.toString('base64url')],
  ['no padding', inBase64(JPEG).replaceAll('=', '')],
  ['too much padding', `${inBase64(JPEG)}==`],
  ['escapes', encodeURIComponent(inBase64(JPEG))],
])('takes base64 with %s', (_, base64) => {
  const inline = { mediaType: 'image/jpeg', base64: inBase64(JPEG) }
  expect(imageSource(`data:image/jpeg;base64,${base64}`, 'p')).toEqual({ inline })
})

it('takes bytes that are percent-encoded', () => {
  const bytes = [...PNG].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
  expect(imageSource(`data:image/png,${bytes}`, 'p')).toEqual({
    inline: { mediaType: 'image/png', base64: inBase64(PNG) },
  })
  const svg = '<svg xmlns="http://www.w3.org/2000/svg"><text>é</text></svg>'
  for (const text of [svg.replaceAll('<', '%3C'), encodeURIComponent(svg)]) {
    expect(imageSource(`data:image/svg+xml;utf8,${text}`, 'p')).toEqual({
      inline: { mediaType: 'image/svg+xml', base64: Buffer.from(svg).toString('base64') },
    })
  }
})

it('says where a PDF belongs', () => {
  const pdf = Buffer.from('%PDF-1.7\n').toString('base64')
  for (const label of ['application/pdf', 'image/png']) {
    expect(imageSource(`data:${label};base64,${pdf}`, 'p')).toMatchObject({
      status: 'refused',
      message: expect.stringContaining('"file"'),
    })
  }
})

it.each([
  ['nothing', ''],
  ['http', 'http://example.com/a.png'],
  ['text', 'data:text/plain;base64,AAAA'],
  ['bytes of no label that show nothing', 'data:;base64,AAAA'],
  ['a broken escape', 'data:image/png,%4'],
  ['a broken escape in base64', 'data:image/png;base64,%zz'],
  ['an empty image', 'data:image/png;base64,'],
  ['white space only', 'data:image/png;base64, \n'],
  ['one letter of base64', 'data:image/png;base64,AAAAA'],
  ['what base64 has not', 'data:image/png;base64,AA,A'],
  ['padding only', `data:image/png;base64,${'='.repeat(5_000_000)}`],
  ['padding before its end', `data:image/png;base64,${'='.repeat(5_000_000)}A`],
  ['parameters without end', `data:image/png${';a'.repeat(5_000_000)}`],
  ['parameters without end, and a comma', `data:image/png${';a'.repeat(5_000_000)};base64,AAAA`],
])('refuses %s', (_, url) => {
  expect(imageSource(url, 'p')).toMatchObject({ status: 'refused', param: 'p' })
})

it('reads a large image', () => {
  const base64 = 'A'.repeat(40_000_000)
  expect(imageSource(`data:image/png;base64,${base64}`, 'p')).toMatchObject({ inline: { mediaType: 'image/png' } })
  expect(imageSource(`data:image/png;base64,${base64}\n`, 'p')).toMatchObject({ inline: { mediaType: 'image/png' } })
})
