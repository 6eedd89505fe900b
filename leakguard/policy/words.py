"""Words that any log is full of: as a whole value they hide nothing, inside one they tell little.

Most are what settings are set to. All are in lower case, in which they are compared.
"""

from __future__ import annotations

COMMON = frozenset(
    b"""
    true false null none nil undefined yes no on off ok nan inf empty blank unset unknown
    enabled enable disabled disable active inactive auto automatic manual optional required always
    never default defaults custom standard basic simple advanced internal external shared global
    public private protected local localhost localdomain remote origin upstream downstream
    main master trunk develop development devel dev head latest stable edge canary nightly beta
    alpha release releases rc preview snapshot production prod staging stage preprod sandbox live
    demo sample example test tests testing qa uat ci integration build builds builder deploy
    deployed deployment pipeline pipelines runner runners worker workers workflow job jobs step
    steps task debug info warn warning error errors fatal trace verbose silent quiet notice critical
    success succeeded failure failed passed skipped pending running started finished completed done
    admin administrator root user users username guest owner member members anonymous nobody system
    service services server servers client clients host hostname domain database databases db
    application app apps api web www mail email proxy gateway ingress cluster clusters node nodes
    container containers docker kubernetes helm podman registry registries image images
    password passwords passwd passphrase secret secrets token tokens credential credentials key keys
    apikey auth authentication authorization bearer oauth oauth2 oidc saml ldap login logout session
    cookie redacted masked hidden concealed removed filtered omitted placeholder
    github gitlab bitbucket jenkins azure google amazon aws gcp actions
    postgres postgresql mysql mariadb sqlite mongodb mongo redis rabbitmq kafka elastic
    elasticsearch memcached nginx apache tomcat grafana prometheus
    ubuntu debian alpine centos fedora redhat windows linux macos darwin amd64 arm64 x86 x64 i386
    python python3 node nodejs java golang rust ruby php bash shell powershell cmd
    json yaml yml toml xml html text plain string number boolean integer object array binary utf
    utf8 ascii base64 sha1 sha256 sha512 md5 hs256 rs256 es256 http https ssh git ftp tcp udp tls
    ssl get post put patch delete head options monday tuesday wednesday thursday friday saturday
    sunday january february march april june july august september october november december
    north south east west central northeast southeast northwest southwest europe asia america us eu
    airflow artifactory buildkite cassandra clickhouse consul couchdb django drone drupal flask
    influxdb jupyter keycloak laravel minio minioadmin mongoadmin neo4j nexus rails solr sonarqube
    spark spring superset terraform traefik vault wordpress zookeeper
    readme license makefile dockerfile package config configuration settings environment variables
    variable value values name names type types version versions project projects account accounts
    file files path paths directory folder workspace home temp tmp data cache logs output input
    select insert update create remove install upgrade download upload start stop restart status
    """.split()
)
"""Ordinary words of settings, tools and places."""

BEGINNINGS = frozenset(
    b"""
    http:// https:// ssh:// git:// ftp:// ftps:// tcp:// ws:// wss:// file:// jdbc: amqp:// amqps://
    redis:// rediss:// mongodb:// mongodb+srv:// postgres:// postgresql:// mysql:// git@ www. bearer
    basic -----begin -----end key----- private rsa dsa openssh pgp encrypted certificate block
    ssh-rsa ssh-ed25519 ecdsa-sha2-nistp256 age-secret-key-1 age1
    ghp_ gho_ ghu_ ghs_ ghr_ github_pat_ glpat- gldt- glrt- glsa_ glc_ sk- sk_ pk_ rk_ sk-ant-
    sk-proj- sk_live_ sk_test_ rk_live_ whsec_ tok_ xoxb- xoxp- xoxa- xapp- akia asia aiza ya29.
    dop_v1_ npm_ pypi- rubygems_ hf_ hvs. hvb. dckr_pat_ shpat_ shpss_ sg. pul- lin_api_ figd_ key-
    eyj eyjhbgcioi jiuzi1niis jsuzi1niis jfuzi1niis inr5cci6ikpxvcj9 miie miiev mhcc
    qibadanbgkqhkig9w0baqefaascbk qibaakcaqea mc4caqawbqydk2vwbcieia
    b3blbnnzac1rzxktdjeaaaaabg5vbmuaaaaebm9uzqaaaaaaaab aaaab3nzac1yc2eaaaadaqab
    aaaac3nzac1lzdi1nte5aaaai
    """.split()
)
"""What vendors and formats put in front of a value, in lower case; it tells nothing of the rest."""

ENDINGS = frozenset(
    b"""
    .com .org .net .io .dev .co .edu .gov .info .cloud .local .internal .svc
    """.split()
)
"""How the names of hosts end."""
