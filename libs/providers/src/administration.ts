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

/**
 * The segments of a path as the most lenient server might read them, in lower case: escapes resolved however often they were escaped,
 * compatibility letters replaced, white space, control characters and parameters (`;…`) left out, and so empty segments.
 *
 * For deciding what is to be *refused*. What a request really does is told by {@link decodedPath}, which is strict.
 */
export function lenientSegments(path: string): string[] {
  if (PLAIN_PATH.test(path)) return path.split('/').filter((segment) => segment !== '')
  return resolved(path)
    .normalize('NFKC')
    .toUpperCase()
    .toLowerCase()
    .split(/[/\\]/)
    .map((segment) => withoutDots(segment.replace(PARAMETERS, '').replace(IGNORED, '')))
    .filter((segment) => segment !== '')
}

/** Most paths: they are read alike by everybody. */
const PLAIN_PATH = /^[a-z0-9/_-]*$/
const PARAMETERS = /[;?#].*$/su
/** White space, and what is not printed. */
const IGNORED = /[\s\p{C}+]/gu
const ESCAPE = /(?:%[0-9a-f]{2})+/gi
/** Servers behind servers: each may resolve escapes once. */
const MAX_LAYERS = 8

/** Some file systems drop the dots at a name's end. */
function withoutDots(segment: string): string {
  let end = segment.length
  while (segment[end - 1] === '.') end--
  return segment.slice(0, end)
}

function resolved(path: string): string {
  let text = path
  for (let layer = 0; layer < MAX_LAYERS && text.includes('%'); layer++) {
    const once = text.replace(ESCAPE, (escapes) => Buffer.from(escapes.replaceAll('%', ''), 'hex').toString('utf8'))
    if (once === text) return text
    text = once
  }
  return text
}
