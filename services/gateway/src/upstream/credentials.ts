import { setTimeout as delay } from 'node:timers/promises'
import { credential, SluiceError } from '@sluice/contracts'
import { type Bus, request } from '@sluice/messaging'
import type { CredentialVersions } from '../admission/connection.ts'
import { type CredentialSecrets, type KeyPair, unseal } from './sealed-box.ts'

/** Remembers the credential version of these secrets for as long as they are in memory. */
function noteCredentialVersion(secrets: object, version: number): void {
  versions.set(secrets, version)
}

/** Returns the credential version of these secrets; undefined if they are no stored credential, such as a session in an AWS role. */
export function credentialVersionOf(secrets: object): number | undefined {
  return versions.get(secrets)
}

const versions = new WeakMap<object, number>()

export interface CredentialCache extends Credentials {
  /** Fetches a version in advance, so that no request waits for it. */
  prefetch(connectionId: string, version: number): void
  /** Fetches a version and returns the result, which is reported nowhere else. Never rejects. */
  fetch(connectionId: string, version: number): Promise<Fetched>
  forget(connectionId: string): void
}

type Fetched =
  | { readonly status: 'fetched' }
  /**
   * - `refused`: the connections service refuses this credential
   * - `key_service_unavailable`: the credential's key service is unavailable
   * - `service_unavailable`: the connections service does not reply, or cannot return any credential now
   */
  | { readonly status: 'refused' | 'key_service_unavailable' | 'service_unavailable'; readonly fault: SluiceError }

/** Fetches credentials from the connections service, sealed to this process, and keeps them in memory for as long as it lives. */
export function sealedCredentials(
  bus: Bus,
  keyPair: KeyPair,
  monotonicMs: () => number,
  onFault: (error: unknown) => void,
): CredentialCache {
  const entries = new Map<string, Entry>()

  const entryOf = (connectionId: string, version: number): Entry => {
    const entry = entries.get(connectionId) ?? { wanted: version, cached: [], retryAtMs: 0 }
    entries.set(connectionId, entry)
    entry.wanted = Math.max(entry.wanted, version)
    return entry
  }

  const fetch = async (connectionId: string, entry: Entry): Promise<Fetched> => {
    const { wanted } = entry
    let fetched: Fetched = { status: 'fetched' }
    try {
      const body = { connectionId, version: wanted, publicKey: keyPair.publicKey }
      const { version, sealed } = await request(bus, credential, [], body)
      if (version < wanted) throw new SluiceError('internal', `version ${version} was returned in place of ${wanted}`)
      // A newer version may have replaced it, which the projection will show in a moment.
      entry.wanted = Math.max(entry.wanted, version)
      const secrets = unseal(keyPair, sealed)
      noteCredentialVersion(secrets, version)
      entry.cached = [{ version, secrets }, ...entry.cached.slice(0, 1)]
    } catch (cause) {
      entry.retryAtMs = monotonicMs() + RETRY_MS
      entry.fault = new SluiceError('credential_unavailable', `a credential could not be fetched: ${textOf(cause)}`, {
        cause,
      })
      fetched = { status: causeOf(cause), fault: entry.fault }
    }
    delete entry.fetching
    // A newer version may have been projected meanwhile.
    refresh(connectionId, entry)
    return fetched
  }

  const refresh = (connectionId: string, entry: Entry): void => {
    if (entry.cached[0]?.version === entry.wanted || entry.fetching !== undefined) return
    if (monotonicMs() < entry.retryAtMs) return
    entry.fetching = fetch(connectionId, entry)
    void entry.fetching.then((fetched) => {
      if (fetched.status !== 'fetched') onFault(fetched.fault)
    })
  }

  return {
    get: (connectionId, versions) => {
      const entry = entryOf(connectionId, versions.newest)
      refresh(connectionId, entry)
      return usable(entry, versions) ?? secretsToCome(entry, versions)
    },
    prefetch: (connectionId, version) => {
      const entry = entryOf(connectionId, version)
      entry.projected?.resolve()
      delete entry.projected
      refresh(connectionId, entry)
    },
    fetch: async (connectionId, version) => {
      const entry = entryOf(connectionId, version)
      if (entry.cached[0]?.version === entry.wanted) return { status: 'fetched' }
      entry.fetching ??= fetch(connectionId, entry)
      return entry.fetching
    },
    forget: (connectionId) => {
      entries.delete(connectionId)
    },
  }
}

interface Entry {
  /** The newest version that was requested. */
  wanted: number
  /** The newest version, and the one before it until the connection is known to have the newest. */
  cached: readonly { readonly version: number; readonly secrets: CredentialSecrets }[]
  /** Resolves with the connection's next change; present while a request waits for it. */
  projected?: PromiseWithResolvers<void>
  /** Never rejects; an error is in `fault`. */
  fetching?: Promise<Fetched>
  fault?: SluiceError
  /** After a failure: the earliest time for the next attempt. */
  retryAtMs: number
}

/** While the connections service is unavailable, not every request tries it. */
const RETRY_MS = 500

function usable(entry: Entry, { oldest, newest }: CredentialVersions): CredentialSecrets | undefined {
  const [latest, ...earlier] = entry.cached
  if (latest?.version === newest) {
    if (earlier.length > 0) entry.cached = [latest]
    return latest.secrets
  }
  return entry.cached.find(({ version }) => version >= oldest && version <= newest)?.secrets
}

async function secretsToCome(entry: Entry, versions: CredentialVersions): Promise<CredentialSecrets | 'superseded'> {
  await entry.fetching
  const secrets = usable(entry, versions)
  if (secrets !== undefined) return secrets
  const [latest] = entry.cached
  if (latest !== undefined && latest.version > versions.newest) {
    entry.projected ??= Promise.withResolvers()
    await Promise.race([entry.projected.promise, delay(PROJECTED_WITHIN_MS, undefined, { ref: false })])
    return 'superseded'
  }
  throw entry.fault ?? new SluiceError('credential_unavailable', 'the credential could not be fetched')
}

/** A change is projected in milliseconds; after this time, the request looks at the connection again in any case. */
const PROJECTED_WITHIN_MS = 1_000

function causeOf(cause: unknown): 'refused' | 'key_service_unavailable' | 'service_unavailable' {
  const code = cause instanceof SluiceError ? cause.code : 'internal'
  if (code === 'unavailable') return 'service_unavailable'
  // The service replied that it could not open this credential for now; it may well open others.
  return code === 'upstream_unreachable' || code === 'internal' ? 'key_service_unavailable' : 'refused'
}

/** Returns a message without secrets: other errors than {@link SluiceError} may quote what could not be parsed. */
function textOf(cause: unknown): string {
  return cause instanceof SluiceError ? cause.message : 'the reply is not sealed to this gateway'
}

/** The connections' credentials, decrypted in memory. */
export interface Credentials {
  /**
   * Returns a connection's credential in the newest of `versions` or, while that is being fetched, in an older one that may be used in its
   * place: at once if it is in memory, otherwise when it has arrived, with one fetch for all requests that wait. `superseded`: only newer
   * versions exist, which may be for another host, so the connection has to be looked up again.
   * @throws (rejects) SluiceError `credential_unavailable` if there is none
   */
  get(connectionId: string, versions: CredentialVersions): CredentialSecrets | Promise<CredentialSecrets | 'superseded'>
}
