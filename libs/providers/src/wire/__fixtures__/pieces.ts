import type { ResponseReader } from '../../provider-adapter.ts'

/** Pieces of these sizes in turn, wherever they cut. */
export function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const pieces: Buffer[] = []
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] ?? bytes.length
    pieces.push(bytes.subarray(at, at + size))
    at += size
  }
  return pieces
}

/** What the reader lets pass of an answer that comes in these pieces. */
export function pass(reader: ResponseReader, pieces: readonly Buffer[]): Buffer {
  return Buffer.concat([...pieces.map((piece) => reader.push(piece)), reader.end()])
}
