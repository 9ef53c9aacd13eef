/**
 * Whether a gateway knows a connection and an API key for it, without using any of its capacity: a path that no provider has is
 * then the only thing that is wrong with a request.
 */
export async function gatewayKnows(gatewayUrl: string, connectionName: string, apiKey: string): Promise<boolean> {
  const response = await fetch(`${gatewayUrl}/connections/${connectionName}/no-such-path`, {
    headers: { authorization: `Bearer ${apiKey}` },
  })
  return (await response.text()).includes('unsupported_operation')
}
