import { expect, it } from 'vitest'
import { sniffMediaType, usualMediaType } from './media-type.ts'

const ftyp = (major: string, ...compatible: string[]): Buffer => {
  const size = Buffer.alloc(4)
  size.writeUInt32BE(16 + 4 * compatible.length)
  return Buffer.concat([size, Buffer.from(`ftyp${major}\0\0\0\0${compatible.join('')}mdatavif`)])
}

it.each([
  ['image/jpeg', Buffer.from('ffd8ffe000104a464946', 'hex')],
  ['image/jpeg', Buffer.from('ffd8ffdb', 'hex')],
  ['image/png', Buffer.from('89504e470d0a1a0a0000000d', 'hex')],
  ['image/gif', Buffer.from('GIF87a..')],
  ['image/gif', Buffer.from('GIF89a..')],
  ['image/webp', Buffer.from('RIFF\n\r\n\0WEBPVP8 ')],
  ['image/bmp', Buffer.from('424d3600000000000000360000', 'hex')],
  ['image/tiff', Buffer.from('49492a0008000000', 'hex')],
  ['image/tiff', Buffer.from('4d4d002a00000008', 'hex')],
  ['image/heic', ftyp('heic', 'mif1', 'heic')],
  ['image/heic', ftyp('mif1', 'heic')],
  ['image/heif', ftyp('mif1', 'miaf')],
  ['image/avif', ftyp('avif', 'mif1')],
  ['image/avif', ftyp('mif1', 'avif', 'miaf')],
  ['image/x-icon', Buffer.from('00000100', 'hex')],
  ['image/svg+xml', Buffer.from('<?xml version="1.0"?>\n<svg xmlns="…">')],
  ['image/svg+xml', Buffer.from('  <svg>')],
  ['application/pdf', Buffer.from('%PDF-1.7')],
  [undefined, Buffer.alloc(0)],
  [undefined, Buffer.alloc(64)],
  [undefined, Buffer.from('BM is two letters')],
  ['audio/wav', Buffer.from('RIFF0000WAVEfmt ')],
  ['video/x-msvideo', Buffer.from('RIFF0000AVI LIST')],
  ['audio/mpeg', Buffer.from('ID3\x04\0')],
  ['audio/mpeg', Buffer.from('fffb9064', 'hex')],
  ['audio/aac', Buffer.from('fff15080', 'hex')],
  ['audio/flac', Buffer.from('fLaC\0')],
  ['audio/ogg', Buffer.from('OggS\0')],
  ['audio/aiff', Buffer.from('FORM0000AIFFCOMM')],
  ['audio/mp4', ftyp('M4A ', 'mp42', 'isom')],
  ['video/mp4', ftyp('isom', 'mp42')],
  ['video/mp4', ftyp('mp42')],
  ['video/quicktime', ftyp('qt  ')],
  ['video/3gpp', ftyp('3gp4', 'isom')],
  ['video/webm', Buffer.from('1a45dfa3', 'hex')],
  ['video/mpeg', Buffer.from('000001ba', 'hex')],
  [undefined, ftyp('zzzz')],
  [undefined, Buffer.from('fffe4100', 'hex')],
  [undefined, Buffer.from('RIFF0000XXXX')],
  [undefined, Buffer.from('<!doctype html><svg>')],
])('sees %s in the first bytes of %j', (mediaType, bytes) => {
  expect(sniffMediaType(bytes)).toBe(mediaType)
})

it.each([
  ['image/JPG; charset=binary', 'image/jpeg'],
  ['image/pjpeg', 'image/jpeg'],
  ['image/x-png', 'image/png'],
  ['image/webp', 'image/webp'],
  ['application/x-pdf', 'application/pdf'],
  ['audio/mp3', 'audio/mpeg'],
  ['audio/x-wav', 'audio/wav'],
  ['', ''],
  [';charset=utf-8', ''],
  ['image', ''],
  ['image/p\u0000ng', ''],
])('calls %j by its usual name', (label, name) => {
  expect(usualMediaType(label)).toBe(name)
})
