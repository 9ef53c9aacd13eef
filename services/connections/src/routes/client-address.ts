import type { FastifyRequest } from 'fastify'
import { plainAddress } from '../domain/address-key.ts'

/**
 * Returns the address that a request comes from. What a trusted proxy passes on and is no address counts for nothing: then it is the
 * proxy's own.
 */
export function clientAddress({ ip, socket }: Pick<FastifyRequest, 'ip' | 'socket'>): string {
  return plainAddress(ip) ?? plainAddress(socket.remoteAddress ?? '') ?? GONE
}

/** For whoever has gone before it was known. */
const GONE = 'unknown'
