import { setTimeout as delay } from 'node:timers/promises'
import { CredentialFields, credential, SluiceError, validate } from '@sluice/contracts'
import { type Bus, request } from '@sluice/messaging'
import { Secret } from '@sluice/service-kit'
import sodium from 'libsodium-wrappers'
import type { CredentialVersions } from '../admission/connection.ts'
import type { CredentialSecrets, Credentials } from '../ports.ts'

/** Notes which version of its connection's credential the secrets are, for as long as they are held. */
export function noteCredentialVersion(secrets: object, version: number): void {
  versions.set(secrets, version)
}

/** Undefined for what is no stored credential, such as a session in an AWS role. */
export function credentialVersionOf(secrets: object): number | undefined {
  return versions.get(secrets)
}

const versions = new WeakMap<object, number>()

/** The gateway's X25519 key pair, which lives as long as the process: credentials are sealed to it on their way here. */
export interface KeyPair {
  /** Base64. */
  readonly publicKey: string
  /**
   * The text that was sealed to this key (`crypto_box_seal`), given in base64.
   * @throws Error when it was sealed to another key, or altered
   */
  open(sealed: string): string
}

export async function createKeyPair(): Promise<KeyPair> {
  await sodium.ready
  const { publicKey, privateKey } = sodium.crypto_box_keypair()
  return {
    publicKey: Buffer.from(publicKey).toString('base64'),
    open: (sealed) =>
      Buffer.from(sodium.crypto_box_seal_open(Buffer.from(sealed, 'base64'), publicKey, privateKey)).toString('utf8'),
  }
}

export interface HeldCredentials extends Credentials {
  /** Fetches a version ahead, so that no request waits for it. */
  prefetch(connectionId: string, version: number): void
  /** Fetches a version and returns what came of it, which it reports nowhere else. Never rejects. */
  fetch(connectionId: string, version: number): Promise<Fetched>
  forget(connectionId: string): void
}

export type Fetched =
  | { readonly status: 'held' }
  /**
   * `refused`: this one cannot be handed out. `unopened`: its key service is away. `service_away`: the connections service does
   * not answer, or can hand out none now.
   */
  | { readonly status: 'refused' | 'unopened' | 'service_away'; readonly fault: SluiceError }

/** Credentials from the connections service, sealed to this process on their way and held for as long as it lives. */
export function sealedCredentials(
  bus: Bus,
  keyPair: KeyPair,
  monotonicMs: () => number,
  onFault: (error: unknown) => void,
): HeldCredentials {
  const entries = new Map<string, Entry>()

  const entryOf = (connectionId: string, version: number): Entry => {
    const entry = entries.get(connectionId) ?? { wanted: version, held: [], retryAtMs: 0 }
    entries.set(connectionId, entry)
    entry.wanted = Math.max(entry.wanted, version)
    return entry
  }

  const fetch = async (connectionId: string, entry: Entry): Promise<Fetched> => {
    const { wanted } = entry
    let fetched: Fetched = { status: 'held' }
    try {
      const asked = { connectionId, version: wanted, publicKey: keyPair.publicKey }
      const { version, sealed } = await request(bus, credential, [], asked)
      if (version < wanted) throw new SluiceError('internal', `version ${version} came in place of ${wanted}`)
      // It may have been replaced by a newer one, of which the projection will tell in a moment.
      entry.wanted = Math.max(entry.wanted, version)
      const secrets = unseal(keyPair, sealed)
      noteCredentialVersion(secrets, version)
      entry.held = [{ version, secrets }, ...entry.held.slice(0, 1)]
    } catch (cause) {
      entry.retryAtMs = monotonicMs() + RETRY_MS
      entry.fault = new SluiceError('credential_unavailable', `a credential could not be fetched: ${textOf(cause)}`, {
        cause,
      })
      fetched = { status: causeOf(cause), fault: entry.fault }
    }
    delete entry.fetching
    // A newer one was projected meanwhile.
    refresh(connectionId, entry)
    return fetched
  }

  const refresh = (connectionId: string, entry: Entry): void => {
    if (entry.held[0]?.version === entry.wanted || entry.fetching !== undefined) return
    if (monotonicMs() < entry.retryAtMs) return
    entry.fetching = fetch(connectionId, entry)
    void entry.fetching.then((fetched) => {
      if (fetched.status !== 'held') onFault(fetched.fault)
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
      if (entry.held[0]?.version === entry.wanted) return { status: 'held' }
      entry.fetching ??= fetch(connectionId, entry)
      return entry.fetching
    },
    forget: (connectionId) => {
      entries.delete(connectionId)
    },
  }
}

interface Entry {
  /** The newest version that was asked for. */
  wanted: number
  /** The newest, and the one before it until the newest is known to be the connection's. */
  held: readonly { readonly version: number; readonly secrets: CredentialSecrets }[]
  /** Resolves with the connection's next change; there while somebody waits for that. */
  projected?: PromiseWithResolvers<void>
  /** Never rejects: what went wrong is in `fault`. */
  fetching?: Promise<Fetched>
  fault?: SluiceError
  /** After a failure: when to ask again at the earliest. */
  retryAtMs: number
}

/** A connections service that is away is not asked again with every request. */
const RETRY_MS = 500

function usable(entry: Entry, { oldest, newest }: CredentialVersions): CredentialSecrets | undefined {
  const [latest, ...earlier] = entry.held
  if (latest?.version === newest) {
    if (earlier.length > 0) entry.held = [latest]
    return latest.secrets
  }
  return entry.held.find(({ version }) => version >= oldest && version <= newest)?.secrets
}

async function secretsToCome(entry: Entry, versions: CredentialVersions): Promise<CredentialSecrets | 'superseded'> {
  await entry.fetching
  const secrets = usable(entry, versions)
  if (secrets !== undefined) return secrets
  const [latest] = entry.held
  if (latest !== undefined && latest.version > versions.newest) {
    entry.projected ??= Promise.withResolvers()
    await Promise.race([entry.projected.promise, delay(PROJECTED_WITHIN_MS, undefined, { ref: false })])
    return 'superseded'
  }
  throw entry.fault ?? new SluiceError('credential_unavailable', 'the credential could not be fetched')
}

/** A change is projected in milliseconds; who waits looks again then in any case. */
const PROJECTED_WITHIN_MS = 1_000

function causeOf(cause: unknown): 'refused' | 'unopened' | 'service_away' {
  const code = cause instanceof SluiceError ? cause.code : 'internal'
  if (code === 'unavailable') return 'service_away'
  // The service answered, and this one could not be opened for now: others may well be.
  return code === 'upstream_unreachable' || code === 'internal' ? 'unopened' : 'refused'
}

/** Only its own kind of error is fit to be shown: another may quote what it could not read. */
function textOf(cause: unknown): string {
  return cause instanceof SluiceError ? cause.message : 'what came is not sealed to this gateway'
}

/**
 * @throws SluiceError `credential_unavailable` when what came is no credential
 * @throws Error when it is not sealed to this process
 */
function unseal(keyPair: KeyPair, sealed: string): CredentialSecrets {
  const fields = validate(CredentialFields, parse(keyPair.open(sealed)))
  if (!fields.valid) throw new SluiceError('credential_unavailable', 'the credential is malformed')
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
