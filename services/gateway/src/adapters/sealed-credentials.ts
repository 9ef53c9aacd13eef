import { CredentialFields, credential, SluiceError, validate } from '@sluice/contracts'
import { type Bus, request } from '@sluice/messaging'
import { Secret } from '@sluice/service-kit'
import type { CredentialSecrets, Credentials } from '../ports/credentials.ts'
import type { KeyPair } from './key-pair.ts'

export interface HeldCredentials extends Credentials {
  /** Fetches a version ahead, so that no request waits for it. */
  prefetch(connectionId: string, version: number): void
  forget(connectionId: string): void
}

/** Credentials from the connections service, sealed to this process on their way and held for as long as it lives. */
export function sealedCredentials(
  bus: Bus,
  keyPair: KeyPair,
  monotonicMs: () => number,
  onFault: (error: unknown) => void,
): HeldCredentials {
  const entries = new Map<string, Entry>()

  const entryOf = (connectionId: string, version: number): Entry => {
    const entry = entries.get(connectionId) ?? { wanted: version, retryAtMs: 0 }
    entries.set(connectionId, entry)
    entry.wanted = Math.max(entry.wanted, version)
    return entry
  }

  const fetch = async (connectionId: string, entry: Entry): Promise<void> => {
    const { wanted } = entry
    try {
      const asked = { connectionId, version: wanted, publicKey: keyPair.publicKey }
      const { version, sealed } = await request(bus, credential, [], asked)
      if (version < wanted) throw new SluiceError('internal', `version ${version} came in place of ${wanted}`)
      // It has been replaced by a newer one, of which the projection will tell in a moment.
      entry.wanted = Math.max(entry.wanted, version)
      entry.held = { version, secrets: unseal(keyPair, sealed) }
    } catch (cause) {
      entry.retryAtMs = monotonicMs() + RETRY_MS
      entry.fault = new SluiceError('credential_unavailable', 'the credential could not be fetched', { cause })
      onFault(entry.fault)
    }
    delete entry.fetching
    // A newer one was projected meanwhile.
    refresh(connectionId, entry)
  }

  const refresh = (connectionId: string, entry: Entry): void => {
    if (entry.held?.version === entry.wanted || entry.fetching !== undefined) return
    if (monotonicMs() >= entry.retryAtMs) entry.fetching = fetch(connectionId, entry)
  }

  return {
    get: (connectionId, version) => {
      const entry = entryOf(connectionId, version)
      refresh(connectionId, entry)
      return entry.held?.secrets ?? secretsToCome(entry)
    },
    prefetch: (connectionId, version) => refresh(connectionId, entryOf(connectionId, version)),
    forget: (connectionId) => {
      entries.delete(connectionId)
    },
  }
}

interface Entry {
  /** The newest version that was asked for. */
  wanted: number
  held?: { readonly version: number; readonly secrets: CredentialSecrets }
  /** Never rejects: what went wrong is in `fault`. */
  fetching?: Promise<void>
  fault?: SluiceError
  /** After a failure: when to ask again at the earliest. */
  retryAtMs: number
}

/** A connections service that is away is not asked again with every request. */
const RETRY_MS = 500

async function secretsToCome(entry: Entry): Promise<CredentialSecrets> {
  await entry.fetching
  if (entry.held !== undefined) return entry.held.secrets
  throw entry.fault ?? new SluiceError('credential_unavailable', 'the credential could not be fetched')
}

/** @throws SluiceError when what came is not a credential sealed to this process */
function unseal(keyPair: KeyPair, sealed: string): CredentialSecrets {
  const fields = validate(CredentialFields, parse(keyPair.open(sealed)))
  if (!fields.valid) throw new SluiceError('internal', 'the credential is malformed')
  return Object.fromEntries(Object.entries(fields.value).map(([name, value]) => [name, new Secret(value)]))
}

/** Undefined where the text is no JSON: the parser's own error would show some of it. */
function parse(plaintext: string): unknown {
  try {
    return JSON.parse(plaintext)
  } catch {
    return undefined
  }
}
