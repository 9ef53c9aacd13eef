import { createLogger, readConfig } from '@sluice/service-kit'
import { Type } from 'typebox'
import { COMMAND } from '../audit/audit-entry.ts'
import { createAuditLog } from '../audit/audit-log.ts'
import { ConnectionsConfig } from '../config.ts'
import { openConnectionsDatabase } from '../database/database.ts'
import { createEnvelopes } from '../keys/envelope-encryption.ts'
import { createEnvelopeStore } from '../keys/envelope-store.ts'
import { createKeyServices } from '../keys/key-services.ts'
import { type RewrapProgress, rewrapDataKeys } from '../keys/rewrap-data-keys.ts'
import { runCommand } from './command.ts'
import { failureLine, progressPrinter } from './rewrap-progress.ts'

// Rewraps every data key under the current key of KEY_SERVICE, with the settings of the service, which may be running:
// `npm run rewrap`. Exits with 1 if a data key could not be rewrapped; can be killed and started again at any time.
await runCommand(async () => {
  const { failures } = await rewrap()
  for (const failure of failures) process.stderr.write(`${failureLine(failure)}\n`)
  if (failures.length > 0) process.exitCode = 1
})

async function rewrap(): Promise<RewrapProgress> {
  const config = readConfig(Type.Omit(ConnectionsConfig, ['NATS_URL', 'NATS_USER', 'NATS_PASSWORD']), process.env)
  const database = openConnectionsDatabase(config.DATABASE_URL, createLogger('rewrap', config.LOG_LEVEL))
  try {
    const print = progressPrinter(process.stdout, () => performance.now())
    const auditLog = createAuditLog(database)
    const done = await rewrapDataKeys({
      store: createEnvelopeStore(database),
      envelopes: await createEnvelopes(await createKeyServices(config)),
      onBegin: ({ key, total }) =>
        auditLog.record({ actor: COMMAND, action: 'data-keys.rewrapped', after: { ...key, count: total } }),
      onProgress: print.show,
    })
    print.end(done)
    return done
  } finally {
    await database.close()
  }
}
