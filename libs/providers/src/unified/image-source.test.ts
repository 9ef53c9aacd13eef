import { expect, it } from 'vitest'
import { imageSource } from './image-source.ts'

it.each([
  ['data:image/png;base64,AAAA', { inline: { mediaType: 'image/png', base64: 'AAAA' } }],
  ['DATA:image/SVG+xml;charset=utf-8;BASE64,aA+/==', { inline: { mediaType: 'image/svg+xml', base64: 'aA+/==' } }],
  ['https://example.com/a.png', { url: 'https://example.com/a.png' }],
])('finds the image of %s', (url, source) => {
  expect(imageSource(url, 'p')).toEqual(source)
})

it.each([
  ['nothing', ''],
  ['http', 'http://example.com/a.png'],
  ['text', 'data:text/plain;base64,AAAA'],
  ['no base64', 'data:image/png,AAAA'],
  ['an empty image', 'data:image/png;base64,'],
  ['what base64 has not', 'data:image/png;base64,AA,A'],
  ['parameters without end', `data:image/png${';a'.repeat(5_000_000)}`],
  ['parameters without end, and a comma', `data:image/png${';a'.repeat(5_000_000)};base64,AAAA`],
])('refuses %s', (_, url) => {
  expect(imageSource(url, 'p')).toMatchObject({ status: 'refused', param: 'p' })
})
