import type { KeyPair } from './sealed-boxes.ts'

/** The service's own key pair, which secrets on the bus are sealed to. One for all instances. */
export interface SealingKey {
  /** @throws EnvelopeError when this instance's master keys do not open it */
  current(): Promise<KeyPair>
}
