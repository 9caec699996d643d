/** A part of a large country, whose viewers are far from its middle. */
export interface Subdivision {
  /** ISO 3166-2, such as `US-CA`: what the CDN's `viewer-country` and `viewer-country-region` say. */
  readonly code: string;
  /** ISO 3166-1 alpha-2. */
  readonly country: string;
  /** Degrees, of its largest city: where most of its viewers are. */
  readonly latitude: number;
  readonly longitude: number;
}

/**
 * Code, latitude and longitude of the largest city of each, to a tenth of a degree. From GeoNames (geonames.org, CC BY
 * 4.0). Codes that India changed in 2023 are there in both forms: GeoIP databases differ.
 */
const TABLE: Readonly<Record<string, string>> = {
  AU: `
    ACT -35.3 149.1; NSW -33.9 151.2; NT -12.5 130.8; QLD -27.5 153.0; SA -34.9 138.6; TAS -42.9 147.3;
    VIC -37.8 145.0; WA -32.0 115.9`,
  BR: `
    AC -10.0 -67.8; AL -9.7 -35.7; AM -3.1 -60.0; AP 0.0 -51.1; BA -13.0 -38.5; CE -3.7 -38.5; DF -15.8 -47.9;
    ES -20.3 -40.3; GO -16.7 -49.3; MA -2.5 -44.3; MG -19.9 -43.9; MS -20.4 -54.6; MT -15.6 -56.1; PA -1.5 -48.5;
    PB -7.1 -34.9; PE -8.1 -34.9; PI -5.1 -42.8; PR -25.4 -49.3; RJ -22.9 -43.2; RN -5.8 -35.2; RO -8.8 -63.9;
    RR 2.8 -60.7; RS -30.0 -51.2; SC -26.3 -48.8; SE -10.9 -37.1; SP -23.5 -46.6; TO -10.2 -48.3`,
  CA: `
    AB 51.1 -114.1; BC 49.2 -123.1; MB 49.9 -97.1; NB 46.1 -64.8; NL 47.6 -52.7; NS 44.6 -63.6; NT 62.5 -114.4;
    NU 63.7 -68.5; ON 43.7 -79.4; PE 46.2 -63.1; QC 45.5 -73.6; SK 52.1 -106.7; YT 60.7 -135.1`,
  CN: `
    AH 31.9 117.3; BJ 39.9 116.4; CQ 29.6 106.6; FJ 24.5 118.1; GD 23.1 113.3; GS 34.6 105.7; GX 22.8 108.3;
    GZ 26.6 106.7; HA 34.8 113.6; HB 30.6 114.3; HE 39.6 118.2; HI 18.2 109.5; HL 45.8 126.7; HN 28.2 113.0;
    JL 43.9 125.3; JS 32.1 118.8; JX 28.7 115.9; LN 41.8 123.4; NM 39.6 109.8; NX 38.5 106.3; QH 36.6 101.8;
    SC 30.7 104.1; SD 36.2 117.1; SH 31.2 121.5; SN 34.3 108.9; SX 37.9 112.6; TJ 39.1 117.2; XJ 43.8 87.6;
    XZ 29.6 91.1; YN 25.0 102.7; ZJ 30.3 120.2`,
  IN: `
    AN 11.7 92.7; AP 17.7 83.2; AR 27.1 93.6; AS 26.2 91.7; BR 25.6 85.1; CG 21.2 81.6; CH 30.7 76.8; CT 21.2 81.6;
    DH 20.3 73.0; DL 28.7 77.2; GA 15.4 73.8; GJ 23.0 72.6; HP 31.1 77.2; HR 29.4 75.7; JH 23.3 85.3; JK 34.1 74.8;
    KA 13.0 77.6; KL 8.5 76.9; LA 34.2 77.6; LD 10.6 72.6; MH 19.1 72.9; ML 25.6 91.9; MN 24.8 93.9; MP 22.7 75.8;
    MZ 23.7 92.7; NL 25.9 93.7; OD 19.2 82.5; OR 19.2 82.5; PB 30.9 75.9; PY 11.9 79.8; RJ 26.9 75.8; SK 27.3 88.6;
    TG 17.4 78.5; TN 13.1 80.3; TR 23.8 91.3; TS 17.4 78.5; UK 30.3 78.0; UP 26.5 80.3; UT 30.3 78.0; WB 22.6 88.4`,
  RU: `
    AD 44.6 40.1; AL 52.0 85.9; ALT 53.4 83.8; AMU 50.3 127.5; ARK 64.5 40.5; AST 46.3 48.0; BA 54.7 56.0;
    BEL 50.6 36.6; BRY 53.3 34.4; BU 51.8 107.6; CE 43.3 45.7; CHE 55.2 61.4; CHU 64.7 177.5; CU 56.1 47.3;
    DA 43.0 47.5; IN 43.2 44.8; IRK 52.3 104.3; IVA 57.0 41.0; KAM 53.0 158.7; KB 43.5 43.6; KC 44.2 42.1;
    KDA 45.0 39.0; KEM 53.8 87.1; KGD 54.7 20.5; KGN 55.5 65.3; KHA 48.5 135.1; KHM 61.3 73.4; KIR 58.6 49.7;
    KK 53.7 91.4; KL 46.3 44.3; KLU 54.5 36.3; KO 61.7 50.8; KOS 57.8 40.9; KR 61.8 34.3; KRS 51.7 36.2;
    KYA 56.0 92.9; LEN 60.0 30.4; LIP 52.6 39.6; MAG 59.6 150.8; ME 56.6 47.9; MO 54.2 45.2; MOS 55.9 37.4;
    MOW 55.8 37.6; MUR 69.0 33.1; NEN 67.6 53.0; NGR 58.5 31.3; NIZ 56.3 44.0; NVS 55.0 82.9; OMS 55.0 73.4;
    ORE 51.8 55.1; ORL 53.0 36.1; PER 58.0 56.3; PNZ 53.2 45.0; PRI 43.1 131.9; PSK 57.8 28.3; ROS 47.2 39.7;
    RYA 54.6 39.7; SA 62.0 129.7; SAK 47.0 142.7; SAM 53.2 50.1; SAR 51.5 46.0; SE 43.0 44.7; SMO 54.8 32.0;
    SPE 59.9 30.3; STA 45.0 42.0; SVE 56.9 60.6; TA 55.8 49.1; TAM 52.7 41.4; TOM 56.5 85.0; TUL 54.2 37.6;
    TVE 56.9 35.9; TY 51.7 94.5; TYU 57.2 65.5; UD 56.8 53.2; ULY 54.3 48.4; VGG 48.7 44.5; VLA 56.1 40.4;
    VLG 59.1 37.9; VOR 51.7 39.2; YAN 63.2 75.4; YAR 57.6 39.9; YEV 48.8 132.9; ZAB 52.0 113.5`,
  US: `
    AK 61.2 -149.9; AL 33.5 -86.8; AR 34.7 -92.3; AZ 33.4 -112.1; CA 34.1 -118.2; CO 39.7 -105.0; CT 41.2 -73.2;
    DC 38.9 -77.0; DE 39.7 -75.5; FL 30.3 -81.7; GA 33.7 -84.4; HI 21.3 -157.9; IA 41.6 -93.6; ID 43.6 -116.2;
    IL 41.9 -87.7; IN 39.8 -86.2; KS 37.7 -97.3; KY 38.0 -84.5; LA 30.0 -90.1; MA 42.4 -71.1; MD 39.3 -76.6;
    ME 43.7 -70.3; MI 42.3 -83.0; MN 45.0 -93.3; MO 39.1 -94.6; MS 32.3 -90.2; MT 45.8 -108.5; NC 35.2 -80.8;
    ND 46.9 -96.8; NE 41.3 -95.9; NH 43.0 -71.5; NJ 40.7 -74.2; NM 35.1 -106.7; NV 36.2 -115.1; NY 40.7 -74.0;
    OH 40.0 -83.0; OK 35.5 -97.5; OR 45.5 -122.7; PA 40.0 -75.2; RI 41.8 -71.4; SC 34.0 -81.0; SD 43.5 -96.7;
    TN 35.1 -90.0; TX 29.8 -95.4; UT 40.8 -111.9; VA 36.9 -76.0; VT 44.5 -73.2; WA 47.6 -122.3; WI 43.0 -87.9;
    WV 38.3 -81.6; WY 41.1 -104.8`,
};

const subdivisions: readonly Subdivision[] = Object.entries(TABLE).flatMap(([country, rows]) =>
  rows.split(';').map((row) => {
    const [code, latitude, longitude] = row.trim().split(' ');
    return { code: `${country}-${code}`, country, latitude: Number(latitude), longitude: Number(longitude) };
  }),
);

const countries: ReadonlySet<string> = new Set(Object.keys(TABLE));

/** Those of the United States, Canada, Brazil, Russia, Australia, China and India, by code. */
export function allSubdivisions(): readonly Subdivision[] {
  return subdivisions;
}

/** Whether a country (ISO 3166-1 alpha-2) is so large that it has subdivisions here. */
export function isSubdivided(country: string): boolean {
  return countries.has(country);
}
