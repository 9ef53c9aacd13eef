import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type AwsSimulator, startAwsSimulator } from '@sluice/aws-simulator'
import type { ProviderId } from '@sluice/contracts'
import { type ProviderSimulator, startProviderSimulator } from '@sluice/provider-simulator'
import { Secret } from '@sluice/service-kit'
import { onTestFinished } from 'vitest'
import type { ProbeTarget } from '../../src/probes/probe.ts'
import { createProviderProbe, type ProviderProbe, type ProviderProbeOptions } from '../../src/probes/provider-probe.ts'

export const RIGHT_KEY = 'sk-right-0123456789-abcdefgh'
export const WRONG_KEY = 'sk-wrong-zyxwvutsr-9876543210'

/** The role of the simulated AWS account, and who may assume it. */
export const ROLE = {
  arn: 'arn:aws:iam::123456789012:role/bedrock',
  externalId: 'external-1',
  trustedCaller: { accessKeyId: 'AKIASIMULATOR', secretAccessKey: 'secret-of-the-caller' },
}

export const REGION = 'eu-central-1'

/** A simulated provider that knows `RIGHT_KEY`, or `ROLE`. */
export function simulatedProvider(provider: ProviderId): Promise<ProviderSimulator> {
  const account = {
    apiKey: RIGHT_KEY,
    ...(provider === 'aws-bedrock' ? { role: { arn: ROLE.arn, region: REGION } } : {}),
  }
  return startProviderSimulator({ provider, accounts: [account], recordContent: true })
}

/** A simulated STS where `ROLE` can be assumed. */
export function simulatedAws(): Promise<AwsSimulator> {
  return startAwsSimulator({ roles: [ROLE] })
}

/** A connection to a provider at `baseUrl`: with a key, or for Bedrock with an external id. */
export function targetAt(provider: ProviderId, baseUrl: string, secret?: string): ProbeTarget {
  const config =
    provider === 'aws-bedrock'
      ? { region: REGION, iamRoleArn: ROLE.arn, externalId: secret ?? ROLE.externalId }
      : { apiKey: new Secret(secret ?? RIGHT_KEY) }
  return { provider, config: { ...config, baseUrl } }
}

/** For one test, which ends it. @param stsUrl where its roles are assumed */
export function probeWith(stsUrl: string, options: Partial<ProviderProbeOptions> = {}): ProviderProbe {
  const probe = createProviderProbe({
    allowInsecureLoopback: true,
    sts: { endpoint: stsUrl, credentials: ROLE.trustedCaller },
    ...options,
  })
  onTestFinished(() => probe.stop())
  return probe
}

/** The URL of a server that responds as no provider does, for one test. */
export async function respondingServer(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
