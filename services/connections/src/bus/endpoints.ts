import {
  createConnection as createDefinition,
  credential,
  deleteConnection as deleteDefinition,
  getConnection,
  listConnections as listDefinition,
  SluiceError,
  sealingKey,
  testConnection as testDefinition,
  updateConnection as updateDefinition,
} from '@sluice/contracts'
import { type Bus, type Served, serve } from '@sluice/messaging'
import { busActor } from '../audit/audit-entry.ts'
import { createConnection, deleteConnection, updateConnection } from '../connections/change-connections.ts'
import { toView } from '../connections/connection.ts'
import { findConnection, listConnections } from '../connections/find-connections.ts'
import { handOutCredential, unsealSecrets } from '../credentials/bus-secrets.ts'
import type { ApplicationDeps } from '../deps.ts'
import { testConnection } from '../probes/test-connection.ts'

/** Serves everything that the service answers on the bus. */
export function serveConnections(bus: Bus, deps: ApplicationDeps): Served {
  const options = {
    onFault: (error: unknown, subject: string) => deps.logger.error({ err: error, subject }, 'a request failed'),
  }
  const served = [
    serve(bus, listDefinition, (query) => listConnections(deps, query), options),
    serve(bus, getConnection, async ({ id }) => toView(await findConnection(deps, id)), options),
    serve(
      bus,
      createDefinition,
      ({ actor, connection }) =>
        within('connection', async () => {
          const config = await unsealSecrets(deps, connection.provider, connection.config)
          return createConnection(deps, busActor(actor), { ...connection, config })
        }),
      options,
    ),
    serve(
      bus,
      updateDefinition,
      ({ actor, id, ifVersion, changes }) =>
        within('changes', async () => {
          const { provider } = await findConnection(deps, id)
          const config = changes.config && (await unsealSecrets(deps, provider, changes.config))
          const document = config === undefined ? changes : { ...changes, config }
          return updateConnection(deps, busActor(actor), { id, ifVersion, document })
        }),
      options,
    ),
    serve(
      bus,
      deleteDefinition,
      async ({ actor, id, ifVersion }) => {
        await deleteConnection(deps, busActor(actor), id, ifVersion)
        return { id }
      },
      options,
    ),
    serve(bus, testDefinition, ({ id }) => testConnection(deps, id), options),
    serve(bus, sealingKey, async () => ({ publicKey: (await deps.sealingKey.current()).publicKey }), options),
    serve(bus, credential, (asked) => handOutCredential(deps, asked), options),
  ]
  return {
    stop: async () => {
      await Promise.all(served.map((one) => one.stop()))
    },
  }
}

/** Names the fields of a document that is part of a request by their path in the request. */
async function within<T>(document: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof SluiceError) || error.fields.length === 0) throw error
    const fields = error.fields.map(({ field, message }) => ({ field: `${document}.${field}`, message }))
    throw new SluiceError(error.code, error.message, { fields, cause: error })
  }
}
