import { commonSettings } from '@sluice/service-kit'
import { type Static, Type } from 'typebox'

const MIB = 1024 * 1024

/** Every setting of the service, as environment variables. */
export type GatewayConfig = Static<typeof GatewayConfig>
export const GatewayConfig = Type.Object({
  ...commonSettings,
  /** The address for applications; port 0 takes a free one. */
  GATEWAY_HOST: Type.String({ default: '127.0.0.1' }),
  GATEWAY_PORT: Type.Integer({ minimum: 0, maximum: 65_535, default: 8080 }),
  /** The largest body that is held in memory to be inspected: JSON, and forms if only certain models are allowed. */
  MAX_BODY_BYTES: Type.Integer({ minimum: 1_024, maximum: 1_024 * MIB, default: 32 * MIB }),
  /** The most bytes of all bodies that are held in memory. One API key may hold as much as is still free: alone half of it. */
  MAX_HELD_BYTES: Type.Integer({ minimum: 1_024, default: 256 * MIB }),
  /** The largest body of any other kind (files, audio), which is streamed on. */
  MAX_UPLOAD_BYTES: Type.Integer({ minimum: 1_024, default: 512 * MIB }),
  /** The time in which a whole request must have arrived. */
  REQUEST_TIMEOUT_MS: Type.Integer({ minimum: 100, maximum: 3_600_000, default: 300_000 }),
  /** The time for connecting to a provider. */
  UPSTREAM_CONNECT_TIMEOUT_MS: Type.Integer({ minimum: 10, maximum: 120_000, default: 10_000 }),
  /** The longest wait from sending a request to the first byte of its response: a model may think for minutes before it. */
  UPSTREAM_FIRST_BYTE_TIMEOUT_MS: Type.Integer({ minimum: 10, maximum: 3_600_000, default: 600_000 }),
  /** The longest wait between two chunks of a response. */
  UPSTREAM_IDLE_TIMEOUT_MS: Type.Integer({ minimum: 10, maximum: 3_600_000, default: 300_000 }),
  /** The address of STS, in place of AWS's own in each connection's region. The rules of base URLs apply to it. */
  STS_ENDPOINT: Type.Optional(Type.String({ minLength: 1 })),
  /** The limits of images that a request of the unified endpoint refers to, if the gateway fetches them for the provider. */
  IMAGE_TIMEOUT_MS: Type.Integer({ minimum: 10, maximum: 600_000, default: 10_000 }),
  MAX_IMAGES_BYTES: Type.Integer({ minimum: 1_024, maximum: 128 * MIB, default: 20 * MIB }),
  /** How long requests that are under way may go on when the gateway stops. */
  STOP_TIMEOUT_MS: Type.Integer({ minimum: 0, maximum: 3_600_000, default: 10_000 }),
  /** How many requests of one connection may wait for their permits at a time, of one API key no more than are still free. */
  MAX_WAITING_REQUESTS: Type.Integer({ minimum: 0, maximum: 1_000_000, default: 1_000 }),
  /**
   * The time for which requests are served with the known API keys and connections while these cannot be verified to be current, as when
   * NATS is away. After that they get 503: a key may have been revoked.
   */
  MAX_KEY_AGE_WITHOUT_NATS_MS: Type.Integer({ minimum: 1_000, maximum: 86_400_000, default: 600_000 }),
  /** How many response events are kept while NATS is away. */
  MAX_BUFFERED_EVENTS: Type.Integer({ minimum: 1, maximum: 10_000_000, default: 100_000 }),
  /** Whether a base URL may be http to this machine itself: for tests and demos. */
  ALLOW_INSECURE_UPSTREAM: Type.Boolean({ default: false }),
})
