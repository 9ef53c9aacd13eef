import { lenientSegments } from './wire/lenient-path.ts'

/**
 * Whether a path leads to where a provider hands out credentials, has others share in the account, or administers it, by the
 * most lenient reading of the path.
 * @param path relative to the base URL
 * @param areas what such paths of the provider begin with after its version, a segment or two: in lower case, letters and digits only
 */
export function isAdministration(path: string, areas: ReadonlySet<string>): boolean {
  const segments = lenientSegments(path)
  const first = segments.findIndex((segment) => !VERSION_OR_MOUNT.test(segment))
  if (first < 0) return false
  const area = lettersOf(segments[first] ?? '')
  if (areas.has(area) || areas.has(`${area}/${lettersOf(segments[first + 1] ?? '')}`)) return true
  return segments.some((segment) => segment.split(':').some((part) => ANYWHERE.has(lettersOf(part))))
}

/** What may stand before an area: a server behind a proxy may be mounted under any of these. */
const VERSION_OR_MOUNT = /^(?:v\d+(?:alpha|beta)?\d*|api|openai)$/

/** Names of credentials and of sharing, wherever they stand: APIs that are not known here name them alike. */
const ANYWHERE: ReadonlySet<string> = new Set([
  'accesstokens',
  'adminapikeys',
  'apikeys',
  'authtokens',
  'clientsecret',
  'clientsecrets',
  'ephemeralkeys',
  'ephemeraltokens',
  'permissions',
  'serviceaccounts',
  'transcriptionsessions',
  'transferownership',
])

/** `client-secrets`, `clientSecrets` and `client_secrets.json` are one name to one server or another. */
function lettersOf(segment: string): string {
  return segment.replace(EXTENSION, '').replace(NO_LETTERS, '')
}

const EXTENSION = /\.[a-z]+$/
const NO_LETTERS = /[^a-z0-9]/g
