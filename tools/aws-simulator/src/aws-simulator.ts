import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import type { AwsApi, AwsRequest } from './api.ts'
import { AwsError } from './aws-error.ts'
import { AwsControls, AwsRequestLog, type AwsService } from './controls.ts'
import { createKms } from './kms.ts'
import { type KmsKey, KmsKeyRing } from './kms-keys.ts'
import { createServiceQuotas } from './service-quotas.ts'
import { type AwsRole, createSts } from './sts.ts'

export interface AwsSimulatorOptions {
  /** Default: 127.0.0.1. It guards nothing: keep it on loopback. */
  readonly host?: string
  /** Default: 0, any free port. */
  readonly port?: number
  /** The region of KMS and Service Quotas. Default: `eu-central-1`. */
  readonly region?: string
  /** Roles that exist from the start. Default: none. */
  readonly roles?: readonly AwsRole[]
}

/** STS, Service Quotas and KMS on one endpoint: the wire format, signatures and errors of the real ones. */
export interface AwsSimulator {
  /** The endpoint of all three. Stays the same while the simulator is down. */
  readonly url: string
  readonly region: string
  /** The only key that KMS accepts. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
  readonly controls: AwsControls
  readonly requests: AwsRequestLog
  /** Adds a role, or replaces the one with the same ARN. */
  setRole(role: AwsRole): void
  /** Adds a KMS key; its state and policy can be changed at any time. */
  addKey(): KmsKey
  /** Points a KMS alias (`alias/…`) at a key, whatever it pointed at before. */
  setAlias(name: string, key: KmsKey): void
  /** Ends every connection and accepts no more. */
  takeDown(): Promise<void>
  bringUp(): Promise<void>
  stop(): Promise<void>
}

/** Resolves once it listens. */
export async function startAwsSimulator(options: AwsSimulatorOptions = {}): Promise<AwsSimulator> {
  const { host = '127.0.0.1', region = 'eu-central-1' } = options
  const credentials = { accessKeyId: 'AKIAKMSUSER', secretAccessKey: randomUUID() }
  const roles = new Map(options.roles?.map((role) => [role.arn, role]))
  const keys = new KmsKeyRing(`arn:aws:kms:${region}:000000000000`)
  const controls = new AwsControls()
  const requests = new AwsRequestLog()
  const apis: Readonly<Record<AwsService, AwsApi>> = {
    sts: createSts(roles),
    'service-quotas': createServiceQuotas(roles, region),
    kms: createKms(keys, region, credentials),
  }

  const handle = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const arrivedAtMs = Date.now()
    const body = await text(message)
    const { service, operation } = targetOf(message, body)
    requests.add({ service, operation, body })
    const { latencyMs = 0, fault } = controls.take(service)
    if (latencyMs > 0) await delay(latencyMs)
    if (fault?.kind === 'hang-before-headers') return
    if (fault?.kind === 'break-before-headers') {
      response.destroy()
      return
    }
    const api = apis[service]
    const requestId = randomUUID()
    response.setHeader('x-amzn-requestid', requestId)
    response.setHeader('content-type', api.contentType)
    try {
      const respond = await api.accept(requestOf(message, { operation, body, arrivedAtMs }))
      if (fault !== undefined) throw api.faultError(fault)
      response.end(respond())
    } catch (error) {
      if (!(error instanceof AwsError)) throw error
      response.writeHead(error.status, { 'x-amzn-errortype': error.type }).end(api.writeError(error, requestId))
    }
  }

  const listen = async (port: number): Promise<Server> => {
    const created = createServer((message, response) => {
      handle(message, response).catch((error: unknown) => {
        // A client that disconnected while it was sending is no fault of the simulator.
        if (!message.destroyed) console.error('AWS simulator: failed at', message.method, message.url, error)
        response.destroy()
      })
    })
    created.listen(port, host)
    await once(created, 'listening')
    return created
  }
  let server: Server | undefined = await listen(options.port ?? 0)
  const { port } = addressOf(server)
  const takeDown = async (): Promise<void> => {
    const closing = server
    if (closing === undefined) return
    server = undefined
    closing.close()
    closing.closeAllConnections()
    await once(closing, 'close')
  }

  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    region,
    credentials,
    controls,
    requests,
    setRole: (role) => {
      roles.set(role.arn, role)
    },
    addKey: () => keys.add(),
    setAlias: (name, key) => keys.setAlias(name, key),
    takeDown,
    bringUp: async () => {
      server ??= await listen(port)
    },
    stop: takeDown,
  }
}

/** Tells the services apart: those of the JSON protocol name their operation in a header, STS in the body. */
function targetOf({ headers }: IncomingMessage, body: string): { service: AwsService; operation: string } {
  const target = headers['x-amz-target']
  const [prefix, operation] = typeof target === 'string' ? target.split('.') : []
  if (prefix === 'TrentService') return { service: 'kms', operation: operation ?? '' }
  if (prefix === 'ServiceQuotasV20190624') return { service: 'service-quotas', operation: operation ?? '' }
  return { service: 'sts', operation: new URLSearchParams(body).get('Action') ?? '' }
}

function requestOf(
  { method = '', url = '/', headers }: IncomingMessage,
  read: Pick<AwsRequest, 'operation' | 'body' | 'arrivedAtMs'>,
): AwsRequest {
  const [path = '/', query = ''] = url.split('?')
  return { method, path, query, headers, ...read }
}

function addressOf(server: Server): { readonly port: number } {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('not listening on a TCP port')
  return address
}
