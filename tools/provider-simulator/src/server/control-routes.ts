import { type TypeBoxTypeProvider, TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import type { FastifyPluginCallback } from 'fastify'
import { Type } from 'typebox'
import { Account } from '../core/accounts.ts'
import { Control } from '../core/controls.ts'
import type { Simulation } from './handle-request.ts'

/** The simulator's programmatic API over HTTP, under `/_simulator`. */
export const controlRoutes: FastifyPluginCallback<Simulation> = (instance, simulation, done) => {
  const { accounts, controls, requests } = simulation
  const server = instance.withTypeProvider<TypeBoxTypeProvider>()
  server.setValidatorCompiler(TypeBoxValidatorCompiler)
  server.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: 'no such simulator route' }))

  server.get('/controls', () => ({ items: controls.list() }))
  server.post('/controls', { schema: { body: Control } }, (request, reply) => {
    controls.add(request.body)
    return reply.code(201).send(request.body)
  })
  server.delete('/controls', { schema: { querystring: ByAccount } }, (request, reply) => {
    controls.clear(request.query.apiKey)
    return reply.code(204).send()
  })

  server.get('/accounts', () => ({ items: accounts.list() }))
  server.post('/accounts', { schema: { body: Account } }, (request, reply) => {
    accounts.register(request.body)
    return reply.code(201).send(request.body)
  })
  server.delete('/accounts', { schema: { querystring: Type.Required(ByAccount) } }, (request, reply) => {
    const removed = accounts.remove(request.query.apiKey)
    return removed ? reply.code(204).send() : reply.code(404).send({ error: 'no such account' })
  })

  server.get('/requests', { schema: { querystring: ByAccount } }, ({ query }) => ({
    ...requests.counts(query.apiKey),
    items: requests.list(query.apiKey),
  }))
  server.get('/requests/counts', { schema: { querystring: ByAccount } }, ({ query }) => requests.counts(query.apiKey))
  server.delete('/requests', (_request, reply) => {
    requests.clear()
    return reply.code(204).send()
  })
  done()
}

const ByAccount = Type.Object({ apiKey: Type.Optional(Type.String({ minLength: 1 })) })
