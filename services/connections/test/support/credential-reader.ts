import { credential } from '@sluice/contracts'
import { type Bus, request } from '@sluice/messaging'
import { createSealedBoxes } from '../../src/keys/sealed-boxes.ts'

/** Requests a version of a credential as a gateway does, and opens the reply. */
export type ReadCredential = (connectionId: string, version?: number) => Promise<Record<string, string>>

export async function credentialReader(bus: Bus): Promise<ReadCredential> {
  const boxes = await createSealedBoxes()
  const pair = boxes.generateKeyPair()
  return async (connectionId, version = 1) => {
    const { sealed } = await request(bus, credential, [], { connectionId, version, publicKey: pair.publicKey })
    const plaintext = boxes.open(sealed, pair)
    if (plaintext === undefined) throw new Error('the reply is not sealed to this reader')
    return JSON.parse(Buffer.from(plaintext).toString())
  }
}
