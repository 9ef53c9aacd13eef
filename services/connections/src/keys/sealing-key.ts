import type { Logger } from '@sluice/service-kit'
import type { Database } from '../database/database.ts'
import { EnvelopeError, sealingKeyContext } from './envelope.ts'
import type { Envelopes } from './envelope-encryption.ts'
import type { KeyPair, SealedBoxes } from './sealed-boxes.ts'

export interface SealingKeyDeps {
  readonly database: Database
  readonly envelopes: Envelopes
  readonly sealedBoxes: SealedBoxes
  readonly logger: Logger
}

/** The service's key pair, to which secrets on the bus are sealed. */
export type SealingKey = ReturnType<typeof createSealingKey>

/** The key pair is in the database, so that all instances have the same. */
export function createSealingKey({ database, envelopes, sealedBoxes, logger }: SealingKeyDeps) {
  let opened: KeyPair | undefined
  const stored = () =>
    database.run((db) => db.selectFrom('sealing_key').select(['public_key', 'envelope']).executeTakeFirst())

  const current = async (): Promise<KeyPair> => {
    const row = await stored()
    if (row === undefined) {
      await create(undefined)
      return current()
    }
    // Another instance may have replaced the pair, so read the row each time; what is cached is opening it.
    if (row.public_key === opened?.publicKey) return opened
    const { public_key: publicKey, envelope } = row
    const privateKey = await envelopes.decrypt(envelope, sealingKeyContext(publicKey))
    opened = { publicKey, privateKey }
    return opened
  }

  /** Stores a new pair, unless another instance has stored one since `replaced` was read. */
  const create = async (replaced: string | undefined): Promise<void> => {
    const pair = sealedBoxes.generateKeyPair()
    const envelope = JSON.stringify(await envelopes.encrypt(pair.privateKey, sealingKeyContext(pair.publicKey)))
    await database.run((db) => {
      const insert = db.insertInto('sealing_key').values({ public_key: pair.publicKey, envelope })
      return insert
        .onConflict((conflict) =>
          replaced === undefined
            ? conflict.column('singleton').doNothing()
            : conflict
                .column('singleton')
                .doUpdateSet({ public_key: pair.publicKey, envelope })
                .where('sealing_key.public_key', '=', replaced),
        )
        .execute()
    })
  }

  const openOrReplace = async (): Promise<void> => {
    const row = await stored()
    try {
      if (row !== undefined) return void (await current())
    } catch (error) {
      if (!(error instanceof EnvelopeError) || error.reason === 'key_unavailable') throw error
      logger.error({ err: error }, 'the sealing key cannot be opened: replacing it')
    }
    await create(row?.public_key)
  }

  return {
    /** @throws EnvelopeError when this instance's keys cannot decrypt it */
    current,

    /**
     * Creates the pair if there is none, and replaces one that can no longer be opened: only messages in flight are
     * sealed to it. While the key service is unavailable nothing changes; the pair is then created when it is first
     * used.
     */
    ensure: async (): Promise<void> => {
      try {
        await openOrReplace()
      } catch (error) {
        if (!(error instanceof EnvelopeError)) throw error
        logger.error({ err: error }, 'there is no sealing key: secrets sent over the bus are refused until there is')
      }
    },
  }
}
