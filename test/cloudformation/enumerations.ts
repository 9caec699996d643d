import * as cloudfront from '@aws-sdk/client-cloudfront';

/**
 * Values of properties that the schemas give as mere texts, by `type.property`: as the SDK has them, for CloudFront;
 * else from the reference of each type (https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/).
 */
export const ENUMERATIONS: Readonly<Record<string, readonly string[]>> = {
  'DistributionConfig.HttpVersion': Object.values(cloudfront.HttpVersion),
  'DistributionConfig.PriceClass': Object.values(cloudfront.PriceClass),
  'ViewerCertificate.MinimumProtocolVersion': Object.values(cloudfront.MinimumProtocolVersion),
  'ViewerCertificate.SslSupportMethod': Object.values(cloudfront.SSLSupportMethod),
  'CustomOriginConfig.OriginProtocolPolicy': Object.values(cloudfront.OriginProtocolPolicy),
  'CustomOriginConfig.OriginSSLProtocols': Object.values(cloudfront.SslProtocol),
  'DefaultCacheBehavior.ViewerProtocolPolicy': Object.values(cloudfront.ViewerProtocolPolicy),
  'DefaultCacheBehavior.AllowedMethods': Object.values(cloudfront.Method),
  'DefaultCacheBehavior.CachedMethods': Object.values(cloudfront.Method),
  'CacheBehavior.ViewerProtocolPolicy': Object.values(cloudfront.ViewerProtocolPolicy),
  'CacheBehavior.AllowedMethods': Object.values(cloudfront.Method),
  'CacheBehavior.CachedMethods': Object.values(cloudfront.Method),
  'FunctionAssociation.EventType': Object.values(cloudfront.EventType),
  'FunctionConfig.Runtime': Object.values(cloudfront.FunctionRuntime),
  'HeadersConfig.HeaderBehavior': Object.values(cloudfront.OriginRequestPolicyHeaderBehavior),
  'CookiesConfig.CookieBehavior': Object.values(cloudfront.OriginRequestPolicyCookieBehavior),
  'QueryStringsConfig.QueryStringBehavior': Object.values(cloudfront.OriginRequestPolicyQueryStringBehavior),
  'FrameOptions.FrameOption': Object.values(cloudfront.FrameOptionsList),
  'ReferrerPolicy.ReferrerPolicy': Object.values(cloudfront.ReferrerPolicyList),
  'Alarm.ComparisonOperator': [
    'GreaterThanOrEqualToThreshold',
    'GreaterThanThreshold',
    'LessThanThreshold',
    'LessThanOrEqualToThreshold',
    'LessThanLowerOrUpperThreshold',
    'LessThanLowerThreshold',
    'GreaterThanUpperThreshold',
  ],
  'Alarm.Statistic': ['Average', 'Maximum', 'Minimum', 'SampleCount', 'Sum'],
  'Alarm.TreatMissingData': ['breaching', 'notBreaching', 'ignore', 'missing'],
  'Certificate.ValidationMethod': ['DNS', 'EMAIL', 'HTTP'],
  'RecordSet.Type': ['A', 'AAAA', 'CAA', 'CNAME', 'DS', 'HTTPS', 'MX', 'NS', 'PTR', 'SOA', 'SRV', 'SVCB', 'TXT'],
  'Subscription.Protocol': ['http', 'https', 'email', 'email-json', 'sms', 'sqs', 'application', 'lambda', 'firehose'],
};
