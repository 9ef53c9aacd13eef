/**
 * Assumes AWS roles (STS AssumeRole) with the process's own AWS identity. Nothing is cached here by role: two
 * connections to one role each show their own external id, so whoever keeps sessions keeps them by connection.
 */
import { fromNodeProviderChain, fromTemporaryCredentials } from '@aws-sdk/credential-providers'
import { NodeHttpHandler } from '@smithy/node-http-handler'

/** A role, and how it is assumed. */
export interface RoleToAssume {
  readonly arn: string
  readonly externalId: string
  /** The region whose STS is called. */
  readonly region: string
  /** Appears with every call in the role's account (AWS CloudTrail); up to 64 characters. */
  readonly sessionName: string
  /** From 900, which every role allows, to 3,600, the most for a role that is assumed by an assumed role. */
  readonly sessionSeconds: number
}

/** Temporary credentials of a role, in the shape that AWS's SDKs take as `credentials`. */
export interface TemporaryCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string
  /** By AWS's clock. */
  readonly expiration: Date
}

/** A long-lived or temporary AWS identity. */
export interface AwsIdentity {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

export interface RoleAssumerOptions {
  /** In place of STS in the role's region. */
  readonly endpoint?: string | undefined
  /**
   * By default found where AWS's SDKs look: the environment, the shared files, the container's or the instance's role.
   */
  readonly identity?: AwsIdentity | undefined
  readonly maxAttempts: number
  /**
   * For each attempt, at most half of it for connecting; unlimited by default, which leaves it to the signal of
   * `assume`.
   */
  readonly attemptTimeoutMs?: number
}

export interface RoleAssumer {
  /**
   * Requests new credentials of the role.
   * @throws (rejects) the AWS SDK's error; the signal's reason once it is aborted
   */
  assume(role: RoleToAssume, signal?: AbortSignal): Promise<TemporaryCredentials>
  /** Closes every connection. */
  stop(): void
}

export function createRoleAssumer({
  endpoint,
  identity,
  maxAttempts,
  attemptTimeoutMs,
}: RoleAssumerOptions): RoleAssumer {
  // Kept until it expires: an instance's metadata service would not serve a lookup for every connection at once.
  const masterCredentials = identity ?? fromNodeProviderChain()
  const http = new NodeHttpHandler(
    attemptTimeoutMs === undefined
      ? {}
      : {
          connectionTimeout: attemptTimeoutMs / 2,
          requestTimeout: attemptTimeoutMs,
          socketTimeout: attemptTimeoutMs,
          throwOnRequestTimeout: true,
        },
  )

  return {
    assume: async ({ arn, externalId, region, sessionName, sessionSeconds }, signal) => {
      const provide = fromTemporaryCredentials({
        params: {
          RoleArn: arn,
          ExternalId: externalId,
          RoleSessionName: sessionName,
          DurationSeconds: sessionSeconds,
        },
        masterCredentials,
        clientConfig: {
          region,
          requestHandler: signal === undefined ? http : abortable(http, signal),
          maxAttempts,
          ...(endpoint === undefined ? {} : { endpoint }),
        },
      })
      try {
        const { accessKeyId, secretAccessKey, sessionToken, expiration } = await provide()
        if (sessionToken === undefined || expiration === undefined)
          throw new Error('STS returned no temporary credentials')
        return { accessKeyId, secretAccessKey, sessionToken, expiration }
      } catch (error) {
        signal?.throwIfAborted()
        throw error
      }
    },
    stop: () => http.destroy(),
  }
}

/**
 * `fromTemporaryCredentials` takes no signal, so each of its HTTP requests gets it. An aborted request is not retried.
 */
function abortable(http: NodeHttpHandler, signal: AbortSignal): Pick<NodeHttpHandler, 'handle' | 'metadata'> {
  return {
    metadata: http.metadata,
    handle: (request, options) => http.handle(request, { ...options, abortSignal: signal }),
  }
}
