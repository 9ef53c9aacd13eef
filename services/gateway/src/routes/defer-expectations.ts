import type { FastifyInstance } from 'fastify'

/**
 * Routes requests with an `Expect` header like any other. Node by itself would tell every sender to go on with its body, before
 * its key is known, and refuse other expectations without a word; `checkHead` does both for the calls that were admitted.
 */
export function deferExpectations({ server }: FastifyInstance): void {
  for (const event of ['checkContinue', 'checkExpectation']) {
    server.on(event, (request, response) => void server.emit('request', request, response))
  }
}
