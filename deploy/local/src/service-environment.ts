import type { ExtraEnvironment } from './process-specs.ts'
import type { ServiceName } from './stack-paths.ts'

/**
 * What each service gets of the environment for itself alone: its own settings, and where it reaches AWS its identity there, in all
 * ways that AWS' SDK knows. The others are not told the identity.
 */
export function serviceEnvironment(env: Readonly<Record<string, string | undefined>>): ExtraEnvironment {
  const given = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined)
  const chosen = (isChosen: (name: string) => boolean) => Object.fromEntries(given.filter(([name]) => isChosen(name)))
  const services = Object.entries(OWN_SETTINGS) as [ServiceName, RegExp][]
  return Object.fromEntries(services.map(([service, own]) => [service, chosen((name) => own.test(name))]))
}

/** Settings that are not here are for the start to give: where things are, and who is who on NATS. */
const OWN_SETTINGS: Readonly<Record<ServiceName, RegExp>> = {
  connections:
    /^(AWS_\w+|KMS_\w+|STS_ENDPOINT|KEY_SERVICE|CFN_TEMPLATE_URL|CREDENTIAL_GRACE_MS|LOGIN_FAILURES_PER_MINUTE|TRUSTED_PROXIES|COOKIE_SECURE)$/,
  capacity: /^(ASSUME_LOST_AS_USED|BOOT_ID_FILE)$/,
  discovery: /^(AWS_\w+|STS_ENDPOINT|SERVICE_QUOTAS_ENDPOINT|RESPONSES_MAX_BYTES)$/,
  usage: /^((MINUTES|HOURS|DAYS)_KEPT_DAYS|PRICE_LIST_FILE)$/,
  gateway:
    /^(AWS_\w+|STS_ENDPOINT|MAX_(BODY_BYTES|UPLOAD_BYTES|IMAGES_BYTES|WAITING_REQUESTS|BUFFERED_EVENTS)|(REQUEST|IMAGE|STOP|UPSTREAM_\w+)_TIMEOUT_MS)$/,
}
