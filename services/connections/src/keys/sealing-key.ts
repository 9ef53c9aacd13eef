import type { Logger } from '@sluice/service-kit'
import type { Database } from '../database/database.ts'
import { EnvelopeError, sealingKeyContext } from './envelope.ts'
import type { Envelopes } from './envelopes.ts'
import type { KeyPair, SealedBoxes } from './sodium.ts'

/** The service's own key pair, which secrets on the bus are sealed to. One for all instances. */
export interface SealingKey {
  /** @throws EnvelopeError when this instance's master keys do not open it */
  current(): Promise<KeyPair>
}

export interface SealingKeyDeps {
  readonly database: Database
  readonly envelopes: Envelopes
  readonly sealedBoxes: SealedBoxes
  readonly logger: Logger
}

export interface StoredSealingKey extends SealingKey {
  /**
   * Makes the pair if there is none. One that can no longer be opened is replaced: only what is on its way to the service at that
   * moment is sealed to it. While the key service is away all is left as it is, and done when the pair is asked for.
   */
  ensure(): Promise<void>
}

/** The service's key pair, in the database, so that all instances have the same. */
export function createSealingKey({ database, envelopes, sealedBoxes, logger }: SealingKeyDeps): StoredSealingKey {
  let opened: KeyPair | undefined
  const stored = () =>
    database.run((db) => db.selectFrom('sealing_key').select(['public_key', 'envelope']).executeTakeFirst())

  const current = async (): Promise<KeyPair> => {
    const row = await stored()
    if (row === undefined) {
      await replace(undefined)
      return current()
    }
    // Another instance may have replaced it, so that the row is looked at each time; opening it is what is kept.
    if (row.public_key === opened?.publicKey) return opened
    const { public_key: publicKey, envelope } = row
    const privateKey = await envelopes.open(envelope, sealingKeyContext(publicKey))
    opened = { publicKey, privateKey }
    return opened
  }

  /** Unless another instance has done so meanwhile. */
  const replace = async (oldPublicKey: string | undefined): Promise<void> => {
    const pair = sealedBoxes.generateKeyPair()
    const envelope = JSON.stringify(await envelopes.seal(pair.privateKey, sealingKeyContext(pair.publicKey)))
    await database.run((db) =>
      db
        .insertInto('sealing_key')
        .values({ public_key: pair.publicKey, envelope })
        .onConflict((conflict) =>
          conflict
            .column('only_row')
            .doUpdateSet({ public_key: pair.publicKey, envelope })
            .where('sealing_key.public_key', '=', oldPublicKey ?? ''),
        )
        .execute(),
    )
  }

  const openOrReplace = async (): Promise<void> => {
    const row = await stored()
    try {
      if (row !== undefined) return void (await current())
    } catch (error) {
      if (!(error instanceof EnvelopeError) || error.reason === 'key_unavailable') throw error
      logger.error({ err: error }, 'the sealing key cannot be opened: replacing it')
    }
    await replace(row?.public_key)
  }

  const ensure = async (): Promise<void> => {
    try {
      await openOrReplace()
    } catch (error) {
      if (!(error instanceof EnvelopeError)) throw error
      logger.error({ err: error }, 'there is no sealing key: secrets on the bus are refused until there is')
    }
  }

  return { current, ensure }
}
