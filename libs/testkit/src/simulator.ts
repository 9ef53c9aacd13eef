import type { ProviderSimulator, ProviderSimulatorOptions } from '@sluice/provider-simulator'

/** A provider simulator on a free port of loopback, for the caller alone, who stops it. */
export async function testSimulator(options: ProviderSimulatorOptions = {}): Promise<ProviderSimulator> {
  // Loaded only where it is used: most tests need no HTTP server.
  const { startProviderSimulator } = await import('@sluice/provider-simulator')
  return startProviderSimulator(options)
}
