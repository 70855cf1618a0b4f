-- The tables can be written by hand: whether this desk has triggers for that, and what no row may be, whoever writes it.
--
-- The triggers themselves stand in `0003_counting.sql` and `0003_hand_*.sql`, which a desk without them is spared.

-- Whether triggers count what is written, and keep what is written by hand in step. Settled here once, since everybody who
-- has the desk open must agree on who counts.

ALTER TABLE desk ADD COLUMN triggers boolean NOT NULL DEFAULT true;

-- How many decimals an amount has, by ISO 4217; none of a currency that the desk does not know. A test compares it with
-- bsm-core for every code.

CREATE FUNCTION bsm_currency_scale(currency text) RETURNS integer
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
        SELECT CASE
            WHEN currency = ANY ('{AED,AFN,ALL,AMD,AOA,ARS,AUD,AWG,AZN,BAM,BBD,BDT,BGN,BMD,BND,BOB,BOV,BRL,BSD,BTN,BWP,BYN,BZD,CAD,CDF,CHE,CHF,CHW,CNY,COP,COU,CRC,CUC,CUP,CVE,CZK,DKK,DOP,DZD,EGP,ERN,ETB,EUR,FJD,FKP,GBP,GEL,GHS,GIP,GMD,GTQ,GYD,HKD,HNL,HRK,HTG,HUF,IDR,ILS,INR,IRR,JMD,KES,KGS,KHR,KPW,KYD,KZT,LAK,LBP,LKR,LRD,LSL,MAD,MDL,MGA,MKD,MMK,MNT,MOP,MRU,MUR,MVR,MWK,MXN,MXV,MYR,MZN,NAD,NGN,NIO,NOK,NPR,NZD,PAB,PEN,PGK,PHP,PKR,PLN,QAR,RON,RSD,RUB,SAR,SBD,SCR,SDG,SEK,SGD,SHP,SLE,SLL,SOS,SRD,SSP,STN,SVC,SYP,SZL,THB,TJS,TMT,TOP,TRY,TTD,TWD,TZS,UAH,USD,USN,UYU,UZS,VED,VES,WST,XAD,XCD,XCG,YER,ZAR,ZMW,ZWG,ZWL}')
                THEN 2
            WHEN currency = ANY ('{BIF,CLP,DJF,GNF,ISK,JPY,KMF,KRW,PYG,RWF,UGX,UYI,VND,VUV,XAF,XAG,XAU,XBA,XBB,XBC,XBD,XDR,XOF,XPD,XPF,XPT,XSU,XTS,XUA,XXX}')
                THEN 0
            WHEN currency = ANY ('{BHD,IQD,JOD,KWD,LYD,OMR,TND}') THEN 3
            WHEN currency = ANY ('{CLF,UYW}') THEN 4
        END
    $$;

-- What bsm-core could not read. Not looked for among the rows that are there: only commands wrote those, or somebody whose
-- row must not keep the desk from opening.

ALTER TABLE customer_services
    ADD CONSTRAINT customer_services_money_check CHECK (
        price <= 1000000000 AND coalesce(scale(price) = bsm_currency_scale(currency), false)
    ) NOT VALID;

ALTER TABLE customer_service_requests
    ADD CONSTRAINT customer_service_requests_money_check CHECK (
        price <= 1000000000 AND coalesce(scale(price) = bsm_currency_scale(currency), false)
    ) NOT VALID,
    ADD CONSTRAINT customer_service_requests_number_check CHECK (number BETWEEN 0 AND 4294967295) NOT VALID;

ALTER TABLE tickets
    ADD CONSTRAINT tickets_number_check CHECK (number BETWEEN 0 AND 4294967295) NOT VALID;

-- Times, likewise: from 1970 to the end of 9999.

DO $times$
DECLARE
    tables record;
BEGIN
    FOR tables IN
        SELECT class.relname AS name, string_agg(
            format('%I BETWEEN %L AND %L', attname, '1970-01-01 00:00:00+00', '9999-12-31 23:59:59.999999+00'),
            ' AND ' ORDER BY attnum
        ) AS holds
        FROM pg_attribute JOIN pg_class AS class ON class.oid = attrelid
        WHERE class.relnamespace = current_schema()::regnamespace AND atttypid = 'timestamptz'::regtype
            AND class.relname IN (
                'users', 'tickets', 'knowledge_base', 'customer_services', 'customer_service_requests',
                'customer_ratings', 'ticket_notes'
            )
        GROUP BY class.relname
    LOOP
        EXECUTE format('ALTER TABLE %I ADD CONSTRAINT %I CHECK (%s) NOT VALID',
            tables.name, tables.name || '_times_check', tables.holds);
    END LOOP;
END
$times$;
