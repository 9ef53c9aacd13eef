import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { authenticateKms, type KmsCredentials } from './kms-authentication.ts'
import { KmsFault } from './kms-fault.ts'
import { KmsKeyRing } from './kms-key-ring.ts'
import type { KmsKey } from './kms-keys.ts'
import { isKmsOperation, KMS_OPERATIONS, type KmsOperation } from './kms-operations.ts'

/** AWS KMS for the caller alone, on loopback: the wire format, signatures, encryption contexts and errors of the real one. */
export interface TestKms {
  /** Stays the same while it is down. */
  readonly url: string
  readonly region: string
  /** The only ones that it takes. */
  readonly credentials: KmsCredentials
  /** Makes a key; its state and policy can be changed at any time. */
  addKey(): KmsKey
  /** Points an alias (`alias/…`) at a key, whatever it pointed at before. */
  setAlias(name: string, key: KmsKey): void
  /** Refuses the next `times` requests with `ThrottlingException`. */
  throttle(times: number): void
  /** Waits so long before each answer, in milliseconds; 0 ends it. */
  slow(delayMs: number): void
  /** Ends every connection and takes no further one. */
  takeDown(): Promise<void>
  bringUp(): Promise<void>
  /** How many requests for the operation came in, refused ones too. */
  count(operation: KmsOperation): number
  stop(): Promise<void>
}

export async function testKms(): Promise<TestKms> {
  const region = 'eu-central-1'
  const credentials = { accessKeyId: 'AKIATESTKMS', secretAccessKey: randomUUID() }
  const keys = new KmsKeyRing(`arn:aws:kms:${region}:000000000000`)
  const counts = new Map<string, number>()
  let throttled = 0
  let delayMs = 0

  const answer = async (request: IncomingMessage): Promise<object> => {
    const body = await text(request)
    const operation = String(request.headers['x-amz-target']).replace(/^TrentService\./, '')
    counts.set(operation, (counts.get(operation) ?? 0) + 1)
    await delay(delayMs)
    await authenticateKms(request, body, region, credentials)
    if (throttled > 0) {
      throttled -= 1
      throw new KmsFault(
        'ThrottlingException',
        'You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.',
      )
    }
    if (!isKmsOperation(operation)) throw new KmsFault('UnknownOperationException')
    return KMS_OPERATIONS[operation](keys, JSON.parse(body))
  }

  const listen = async (port: number): Promise<Server> => {
    const server = createServer((request, response) => {
      answer(request).then(
        (output) => send(response, 200, output),
        (error: unknown) => sendFault(response, error),
      )
    })
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return server
  }
  let server: Server | undefined = await listen(0)
  const { port } = server.address() as AddressInfo
  const takeDown = async (): Promise<void> => {
    const closing = server
    if (closing === undefined) return
    server = undefined
    closing.close()
    closing.closeAllConnections()
    await once(closing, 'close')
  }

  return {
    url: `http://127.0.0.1:${port}`,
    region,
    credentials,
    addKey: () => keys.add(),
    setAlias: (name, key) => keys.setAlias(name, key),
    throttle: (times) => {
      throttled = times
    },
    slow: (ms) => {
      delayMs = ms
    },
    takeDown,
    bringUp: async () => {
      server ??= await listen(port)
    },
    count: (operation) => counts.get(operation) ?? 0,
    stop: takeDown,
  }
}

function sendFault(response: ServerResponse, error: unknown): void {
  const fault = error instanceof KmsFault ? error : new KmsFault('KMSInternalException', String(error), 500)
  response.setHeader('x-amzn-errortype', fault.type)
  send(response, fault.status, { __type: fault.type, ...(fault.message === '' ? {} : { message: fault.message }) })
}

function send(response: ServerResponse, status: number, body: object): void {
  response.setHeader('x-amzn-requestid', randomUUID())
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body))
}
