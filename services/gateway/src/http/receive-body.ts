import type { IncomingMessage } from 'node:http'
import { type JsonStructure, MAX_DEPTH, MAX_ITEMS, MAX_MEMBERS } from '@sluice/providers'
import { ABORTED, ok, type Result, refused } from '../result.ts'
import { type GatewayError, gatewayError } from './gateway-error.ts'
import type { HeldBytes } from './held-bytes.ts'

/**
 * Watches the size of the pieces in which a body arrives. Each costs about a microsecond however small it is, so that a body sent byte by byte
 * keeps the process as busy as one that is a thousand times as large.
 */
export class PieceSize {
  #pieces = 0
  #bytes = 0

  /** Counts a piece; returns whether the body comes in pieces that are too small. */
  isTooSmall(pieceBytes: number): boolean {
    this.#pieces++
    this.#bytes += pieceBytes
    return this.#pieces > FREE_PIECES && this.#bytes < this.#pieces * LEAST_AVERAGE_BYTES
  }
}

const FREE_PIECES = 1_000
const LEAST_AVERAGE_BYTES = 16

export interface BodyToReceive {
  readonly maxBytes: number
  /** Takes account of the memory that the body needs. */
  readonly held: HeldBytes
  /** Counts what JSON is made of that will be parsed: a body that would take too long is refused while it arrives. */
  readonly structure?: JsonStructure | undefined
}

/**
 * Returns whether a request has a body that goes on to the provider, as its head says. The body of a GET or HEAD means nothing, and is not
 * sent on.
 * @see RFC 9110, section 9.3.1; RFC 9112, section 6.3
 */
export function bringsBody({ method, headers }: Pick<IncomingMessage, 'method' | 'headers'>): boolean {
  if (method === 'GET' || method === 'HEAD') return false
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

/**
 * Receives a body that is to be held in memory. Once it is refused, no more of it is read. `aborted`: the client disconnected, or was
 * disconnected for sending its body byte by byte.
 */
export function receiveBody(request: IncomingMessage, options: BodyToReceive): Promise<Result<Buffer>> {
  const declaredBytes = Number(request.headers['content-length'] ?? 0)
  if (declaredBytes > options.maxBytes) {
    return Promise.resolve(refused(tooLarge('body', options.maxBytes, declaredBytes)))
  }
  if (request.destroyed) return Promise.resolve(ABORTED)
  const pieceSize = new PieceSize()
  const memory = new BodyMemory(options, declaredBytes)

  return new Promise((resolve) => {
    const onData = (piece: Buffer): void => {
      // A client that sends byte by byte gets no response: before one, all that has arrived would be taken apart.
      if (pieceSize.isTooSmall(piece.length)) return void request.destroy()
      const error = memory.keep(piece)
      if (error === undefined) return
      memory.drop()
      request.off('data', onData).pause()
      resolve(refused(error))
    }
    // Each of these comes once at most, and the first says what came of the body.
    request.on('data', onData)
    request.on('end', () => resolve(ok(memory.whole())))
    request.on('close', () => resolve(ABORTED))
  })
}

/** Gathers a body's pieces in memory that is taken account of. */
export class BodyMemory {
  readonly #options: BodyToReceive
  /** 0 if it is not known. */
  readonly #declaredBytes: number
  #memory: Buffer = EMPTY
  #sizeBytes = 0

  constructor(options: BodyToReceive, declaredBytes = 0) {
    this.#options = options
    this.#declaredBytes = declaredBytes
  }

  /** Keeps a piece; returns why it cannot. */
  keep(piece: Buffer): GatewayError | undefined {
    const isAll = piece.length === this.#declaredBytes
    const error =
      (isAll ? this.#hold(piece.length) : this.#makeRoom(piece.length)) ??
      structureError(this.#options.structure, piece)
    if (error !== undefined) return error
    // Most bodies come in one piece, and need no copy.
    if (isAll) this.#memory = piece
    else piece.copy(this.#memory, this.#sizeBytes)
    this.#sizeBytes += piece.length
    return undefined
  }

  /** Gives back everything that the request holds. */
  drop(): void {
    this.#memory = EMPTY
    this.#options.held.giveBack()
  }

  /** Gives back memory that was reserved in advance and is not needed, if it is much. */
  whole(): Buffer {
    return this.#sizeBytes === this.#memory.length
      ? this.#memory
      : Buffer.from(this.#memory.subarray(0, this.#sizeBytes))
  }

  #hold(bytes: number): GatewayError | undefined {
    const verdict = this.#options.held.hold(bytes)
    return verdict === 'held' ? undefined : NO_ROOM[verdict]
  }

  #makeRoom(pieceBytes: number): GatewayError | undefined {
    const { maxBytes } = this.#options
    const neededBytes = this.#sizeBytes + pieceBytes
    if (neededBytes > maxBytes) return tooLarge('body', maxBytes)
    if (neededBytes <= this.#memory.length) return undefined
    // Twice as much as was needed so far, but no more than is announced: a client that announces much and sends little holds little.
    const roomBytes = Math.max(neededBytes, Math.min(2 * neededBytes, this.#declaredBytes || maxBytes))
    const error = this.#hold(roomBytes - this.#memory.length)
    if (error !== undefined) return error
    const larger = Buffer.allocUnsafeSlow(roomBytes)
    this.#memory.copy(larger, 0, 0, this.#sizeBytes)
    this.#memory = larger
    return undefined
  }
}

function structureError(structure: JsonStructure | undefined, piece: Buffer): GatewayError | undefined {
  if (structure === undefined) return undefined
  structure.push(piece)
  return structure.excess && EXCESS[structure.excess]
}

/** Says how large a body may be, and how large it is where it says so. */
export function tooLarge(what: 'body' | 'upload', maxBytes: number, sizeBytes?: number): GatewayError {
  const size = sizeBytes === undefined ? `more than ${maxBytes} bytes` : `${sizeBytes} bytes, more than the ${maxBytes}`
  const setting = what === 'body' ? 'MAX_BODY_BYTES' : 'MAX_UPLOAD_BYTES'
  const message = `The ${what} has ${size} that this gateway takes (its setting ${setting}).`
  return gatewayError('payload_too_large', message)
}

const EMPTY = Buffer.alloc(0)
const EXCESS = {
  depth: gatewayError('invalid_request', `The JSON body is nested more than ${MAX_DEPTH} levels deep.`),
  size: gatewayError(
    'payload_too_large',
    `The JSON body has more than ${MAX_MEMBERS} objects, arrays and members, or ${MAX_ITEMS} other items.`,
  ),
}
const FULL = gatewayError(
  'unavailable',
  'The gateway holds as many bytes of requests as it may. Try again in a moment.',
)
/** The error for each reason why no more bytes can be held. */
export const NO_ROOM = {
  'owner-full': gatewayError(
    'rate_limited',
    'The requests of this API key that are under way hold as many bytes as they may. Try again when some of them have ended.',
    { retryAfterMs: 1_000 },
  ),
  full: FULL,
  released: FULL,
}
