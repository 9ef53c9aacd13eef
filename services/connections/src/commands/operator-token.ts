import { parseArgs } from 'node:util'
import { createLogger, readConfig } from '@sluice/service-kit'
import { Type } from 'typebox'
import { v7 as uuidv7 } from 'uuid'
import { COMMAND } from '../audit/audit-entry.ts'
import { ConnectionsConfig } from '../config.ts'
import { openConnectionsDatabase } from '../database/database.ts'
import { createOperatorTokenStore } from '../operators/operator-token-store.ts'
import { createOperatorToken } from '../operators/operator-tokens.ts'
import { runCommand } from './command.ts'

// Creates an operator token, a viewer's by default, and prints it; it cannot be shown again:
// `npm run operator-token -- <name> [--role admin] [--expires-at 2030-01-01T00:00:00Z]`.
await runCommand(async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { role: { type: 'string', default: 'viewer' }, 'expires-at': { type: 'string' } },
  })
  const { role, 'expires-at': expiresAt } = values
  const [name] = positionals
  if (name === undefined) throw new Error('The name is missing: npm run operator-token -- <name> [--role admin]')
  const document = { name, role, ...(expiresAt === undefined ? {} : { expiresAt }) }
  process.stdout.write(`${await createToken(document)}\n`)
})

async function createToken(document: object): Promise<string> {
  const config = readConfig(Type.Pick(ConnectionsConfig, ['DATABASE_URL', 'LOG_LEVEL']), process.env)
  const database = openConnectionsDatabase(config.DATABASE_URL, createLogger('operator-token', config.LOG_LEVEL))
  try {
    const operatorTokens = createOperatorTokenStore(database)
    const deps = { operatorTokens, now: () => new Date(), newId: uuidv7 }
    return (await createOperatorToken(deps, COMMAND, document)).token
  } finally {
    await database.close()
  }
}
