import {
  createConnection as createDefinition,
  credential,
  deleteConnection as deleteDefinition,
  getConnection,
  listConnections as listDefinition,
  SluiceError,
  sealingKey as sealingKeyDefinition,
  testConnection as testDefinition,
  updateConnection as updateDefinition,
} from '@sluice/contracts'
import { type Bus, type Served, serve } from '@sluice/messaging'
import { busActor } from '../audit/audit-entry.ts'
import {
  type ChangeDeps,
  createConnection,
  deleteConnection,
  updateConnection,
} from '../connections/change-connections.ts'
import { toView } from '../connections/connection.ts'
import { findConnection, listConnections } from '../connections/find-connections.ts'
import { type IssueDeps, issueCredential, unsealSecrets } from '../credentials/bus-secrets.ts'
import type { SealingKey } from '../keys/sealing-key.ts'
import { type ConnectionTestDeps, testConnection } from '../probes/test-connection.ts'

export type EndpointDeps = ChangeDeps &
  IssueDeps &
  ConnectionTestDeps & { readonly sealingKey: SealingKey; readonly newId: () => string }

/** Serves the service's requests on the bus: connections for other systems, credentials for gateways. */
export function serveConnections(bus: Bus, deps: EndpointDeps): Served {
  const { connections, sealingKey, logger } = deps
  const options = {
    onFault: (error: unknown, subject: string) => logger.error({ err: error, subject }, 'a request failed'),
  }
  const served = [
    serve(bus, listDefinition, (query) => listConnections(connections, query), options),
    serve(bus, getConnection, async ({ id }) => toView(await findConnection(connections, id)), options),
    serve(
      bus,
      createDefinition,
      ({ actor, connection }) =>
        withFieldPrefix('connection', async () => {
          const config = await unsealSecrets(deps, connection.provider, connection.config)
          return createConnection(deps, busActor(actor), { ...connection, config })
        }),
      options,
    ),
    serve(
      bus,
      updateDefinition,
      ({ actor, id, ifVersion, changes }) =>
        withFieldPrefix('changes', async () => {
          const { provider } = await findConnection(connections, id)
          const config = changes.config && (await unsealSecrets(deps, provider, changes.config))
          const document = config === undefined ? changes : { ...changes, config }
          return updateConnection(deps, busActor(actor), { id, ifVersion }, document)
        }),
      options,
    ),
    serve(
      bus,
      deleteDefinition,
      async ({ actor, id, ifVersion }) => {
        await deleteConnection(connections, busActor(actor), { id, ifVersion })
        return { id }
      },
      options,
    ),
    serve(bus, testDefinition, ({ id }) => testConnection(deps, id), options),
    serve(bus, sealingKeyDefinition, async () => ({ publicKey: (await sealingKey.current()).publicKey }), options),
    serve(bus, credential, (request) => issueCredential(deps, request), options),
  ]
  return {
    stop: async () => {
      await Promise.all(served.map((endpoint) => endpoint.stop()))
    },
  }
}

/** Prefixes the fields of an error with the document's place in the request. */
async function withFieldPrefix<T>(document: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof SluiceError) || error.fields.length === 0) throw error
    const fields = error.fields.map(({ field, message }) => ({ field: `${document}.${field}`, message }))
    throw new SluiceError(error.code, error.message, { fields, cause: error })
  }
}
