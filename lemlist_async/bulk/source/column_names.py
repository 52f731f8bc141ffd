"""Names of columns in files that people have: as sales tools, address books and mail programs write them.

Names are compared whole and in one spelling (`spelling`), never by a part of them: ``Email Status`` is no e-mail
address, and ``Company Website`` no company. Those of a field stand in the order in which they are preferred.
"""

from __future__ import annotations

import functools
import re
import unicodedata


@functools.lru_cache(4096)  # a file has the same few columns in every row
def spelling(name: str) -> str:
    """Return a name without case, accents, blanks and punctuation: ``E-Mail`` and ``e_mail`` are ``email``."""
    plain = unicodedata.normalize("NFKD", name.replace("ß", "ss").replace("ł", "l").replace("Ł", "L"))
    kept = "".join(one for one in plain if not unicodedata.combining(one))
    return re.sub(r"[\W_]+", "", kept).casefold()


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FULL_NAME = "full_name"
"""No field of lemlist's: it is split into the first and the last name."""

FIELDS: dict[str, tuple[str, ...]] = {
    "email": _names(
        # work before plain before primary before direct
        "workemail businessemail professionalemail personemailwork primaryworkemail emailprofessionnel "
        "personemailadresseburo "
        "email emailaddress mail emailadresse emailadres email1value email1address email1 emailadresse1 adresseemail "
        "adressemail adressedemessagerie courriel correo correoelectronico direcciondecorreoelectronico "
        "indirizzoemail postaelettronica enderecodeemail personemail personemailadresse "
        "primaryemail primarycontactprimaryemail primareemailadresse adresseelectroniqueprincipale "
        "direcciondecorreoelectronicoprincipal emailprincipale emailprimario directemail "
        # what follows is used where the others are empty
        "additionalemail1 additionalemail secondaryemail email2address email2adresse email2value "
        "emailadresse2 additionalemail2 "
        "tertiaryemail email3address email3adresse email3value emailadresse3 otherworkemails "
        "primarycontactotheremails "
        "resultemail "
        "personemailother personemailadressesonstiger personemailhome personemailadresseprivat homeemail personalemail"
    ),
    "first_name": _names(
        "firstname givenname first fname personfirstname primarycontactfirstname "
        "vorname personvorname prenom voornaam primeironome nomeproprio"
    ),
    "last_name": _names(
        "lastname surname familyname last lname personlastname primarycontactlastname nachname personnachname "
        "familienname nomdefamille apellidos apellido cognome achternaam familienaam sobrenome ultimonome"
    ),
    FULL_NAME: _names(
        "fullname name contactname personname primarycontactname displayname anzeigename vollstandigername "
        "nomcomplet nomaafficher nombrecompleto nombreenpantalla nomecompleto nomevisualizzato volledigenaam naam "
        "mostrarnome nom nombre nome"
    ),
    "company_name": _names(
        "companyname company organization organisation organizationname organization1name accountname account "
        "associatedcompany companyaccount employer currentcompany personorganization personorganisation leadname "
        "firma firmenname unternehmen societe entreprise raisonsociale empresa nombredelaempresa organizacion "
        "azienda societa ragionesociale organizzazione bedrijf bedrijfsnaam organisatie organizacao nomedaempresa "
        "companynameforemails"  # a tidied guess of Apollo's
    ),
    "job_title": _names(
        "jobtitle currentjob currenttitle position role persontitle organizationtitle organization1title "
        "primarycontacttitle personposition prospectposition occupation funktion berufsbezeichnung stellenbezeichnung "
        "poste fonction intituledeposte profession puesto cargo qualifica ruolo functie functietitel title"
    ),
    "linkedin_url": _names(
        "linkedinurlpublic linkedinpublicurl linkedinurl personlinkedinurl linkedinprofileurl "
        "linkedincontactprofileurl linkedinprofile linkedin personlinkedinprofil personlinkedinprofilurl "
        "personlinkedinpage profillinkedin prospectlinkedinurl contactliprofileurl defaultprofileurl profileurl "
        "socialurl primarycontactprimaryurl url resultlinkedin linkedinidurl linkedinurluniqueid"
    ),
    "company_domain": _names(
        "companydomain companydomainname domain domainname companywebsite companywebsiteurl website websiteurl "
        "organisationwebsite organizationwebsite website1value website1 webpage site siteweb webseite paginaweb "
        "sitoweb pageweb companyurl url"
    ),
    "phone": _names(
        # mobile before direct before work before plain
        "mobilephone mobile mobilephonenumber personphonemobile persontelefonmobil mobiltelefon handy telmobile "
        "portable telefonomovil movil cellulare numerocellulare telefonomobile mobiel celular sms "
        "workdirectphone directphonenumber directphone directdial "
        "workphone businessphone personphonework persontelefonburo telefongeschaftlich telephonebureau "
        "telprofessionnel telefonodeltrabajo telefonolavoro telefonodilavoro fonecomercial "
        "phone phonenumber phone1 phone1value primaryphone primarycontactprimaryphone telefon telefonnummer telephone "
        "numerodetelephone telefono telefoon telefoonnummer telefone personphone "
        "phone2 phone2value resultphone otherphone personphoneother persontelefonsonstiger corporatephone"
    ),
    "picture": _names("picture profilepicture profileimageurl profilepictureurl photo foto photourl avatar"),
    "icebreaker": _names("icebreaker personalization personalisation firstline opener openingline introline"),
    "timezone": _names("timezone zeitzone fuseauhoraire tijdzone fusoorario"),
    "contact_owner": _names("contactowner"),
}
"""Other names of fields, those first that are preferred where a file has several."""

NEEDS_PARTNER = {"nom": ("first_name", "last_name"), "nombre": ("last_name", "first_name"),
                 "nome": ("last_name", "first_name")}  # fmt: skip
"""Words for a name whose meaning depends on the rest of the header: beside the first field they are the second one,
alone they are the whole name."""

QUIET = frozenset(_names("linkedinurluniqueid linkedinidurl"))
"""LinkedIn pages under a number: the last choice for the page, and never a variable."""

_IGNORED = frozenset(_names(
    # verdicts on other columns
    "emailstatus emailtype emailconfidence primaryemailsource primaryemailverificationsource "
    "primaryemailcatchallstatus primaryemaillastverifiedat secondaryemailsource tertiaryemailsource "
    "secondaryemailstatus tertiaryemailstatus secondaryemailverificationsource tertiaryemailverificationsource "
    "matchesfilters nomatchreasons qualifycontact contactaccuracyscore contactaccuracygrade "
    # past and bookkeeping of the tool
    "emailsent emailopen emailopened replied demoed contactowner accountowner leadowner companyowner owner "
    "user date stage lists listname lastcontacted leadstatus lifecyclestage createdate created createdat createdtime "
    "createddate createdby "
    "modifiedtime modifiedby lastmodifieddate modified lastactivitytime lastactivity lastactivitydate locked "
    "datasource connectedon timestamp query ispremium isopenlink connectiondegree sharedconnectionscount "
    "noticeprovideddate certificationdate memberrating optintime optinip confirmtime confirmip latitude longitude "
    "gmtoff dstoff lastchanged addedtime laststate status statuslabel customfields lastemailsequencesent "
    "isinterested opencount clickcount replycount numcalls numemails nexttasktext nexttaskdate fileas "
    "rejectline rejectreason rowline rowstate rowwhat rowreason rowid resultemailstatus "
    "groupmembership sensitivity priority mileage directoryserver billinginformation initials "
    "source "
    "personpersoncreated personlabel personid recordid contactid leid euid vmid campaignleadmapid "
    # ids of pages that are of no use to lemlist
    "salesnavigatorprofileurl salesnavigatorurl salesnavigatorcompanyurl linkedinurluniqueid linkedinidurl "
    "businessfax otherfax fax pager telex ttytddphone assistantsphone assistantsname"
))  # fmt: skip
_PRIVATE = frozenset(_names(
    # days and kin
    "birthday dateofbirth birthdate dob anniversary gender sex spouse maidenname maritalstatus "
    "geburtstag geburtsdatum jahrestag geschlecht ehepartner familienstand geburtsname "
    "anniversaire datedenaissance sexe conjoint situationfamiliale cumpleanos fechadenacimiento aniversario sexo "
    "genero conyuge estadocivil compleanno datadinascita sesso genere coniuge statocivile verjaardag geboortedatum "
    "geslacht echtgenoot burgerlijkestaat datadenascimento nascimento conjuge "
    # notes, which were written for colleagues
    "notes note internalnotes privatenotes personnotes notizen notiz internenotizen bemerkung bemerkungen "
    "anmerkungen remarques remarque notas observaciones appunti osservazioni notities opmerkingen observacoes "
    "anotacoes "
    # home
    "homephone homephone2 telefonprivat telephonedomicile telefonoparticular telefonoabitazione telefonocasa "
    "telefoonthuis telefoneresidencial persontelefonprivat personphonehome "
    "homestreet homecity homestate homepostalcode homecountryregion homeaddress homefax privatadresse strasseprivat "
    "ortprivat postleitzahlprivat bundeslandkantonprivat landregionprivat adressepersonnelle ruedomicile "
    "villedomicile codepostaldomicile direccionparticular indirizzoabitazione faxprivat "
    # numbers of states and banks
    "ssn socialsecuritynumber nationalid passport passportnumber taxid steuernummer sozialversicherungsnummer "
    "numerodesecuritesociale codicefiscale bsn iban creditcard salary gehalt salaire "
    "religion nationality staatsangehorigkeit nationalite nacionalidad nazionalita nationaliteit nacionalidade"
))  # fmt: skip
"""Columns about a person's life or for colleagues' eyes: no reason to send them on without being told to."""
_IGNORED_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?i:(?:^|[ ._-])ids?)$",  # Record ID, Contact Owner.id, _id
        r"[a-z]Ids?$",  # companyId
        r"(?i:- (?:type|label)| confidence|(?:email|phone)_type|(?:^| )phone \d type)$",
        r"(?i:yomi|^phonetic )",
    )
)

_OPT_OUT = frozenset(_names(
    "emailoptout optout optedout optedoutofemail hasoptedoutofemail emailoptedout unsubscribed isunsubscribed "
    "unsubscribedfromallemail unsubscribedfromallemails unsubscribedmode unsubscribedtime unsubscribedat "
    "emailblacklisted smsblacklisted blacklisted donotcall donotcontact donotemail donotmail dnc emailbounced bounced "
    "personmarketingstatus marketingstatus persondoubleoptin unsubscribe blocklisted emailblocklisted suppressed "
    "emailsuppressed subscriptionstatus emailsubscriberstatus subscriberstatus emailhardbouncereason hardbounced "
    "newsletterabgemeldet keineemails keineemail widerspruch werbesperre werbewiderspruch nichtkontaktieren "
    "nepascontacter nepluscontacter nocontactar dadodebaja baja noncontattare nietcontacteren naocontatar "
    "abgemeldet abbestellt desabonne desinscrit noenviaremails disiscritto uitgeschreven descadastrado"
))  # fmt: skip
_OPT_IN = frozenset(_names(
    "subscribed issubscribed optin emailoptin marketingoptin marketingconsent emailmarketing emailmarketingconsent "
    "consent gdprconsent acceptsmarketing marketingemails newsletter einwilligung consentement consentimiento consenso"
))  # fmt: skip
"""Columns that tell that a person agreed; a cell that says no, and not an empty one, is an opt-out."""
_REFUSED = frozenset(
    _names(
        "no n false f 0 0.0 nein non faux nee nao não falso unsubscribed declined withdrawn refused opted-out optedout"
    )
)
_YES_OR_TEXT = frozenset(_names("unsubtime unsubreason unsubreasonother unsubcampaigntitle unsubcampaignid"))
"""Columns of a list of unsubscribed people, where any text says that the person left."""
_NO = frozenset({
    "", "0", "0.0", "no", "n", "false", "f", "nein", "non", "faux", "nee", "nao", "não", "falso", "never", "none",
    "null", "-", "not unsubscribed", "n/a", "subscribed", "confirmed", "active", "consented", "opt-in", "optin",
})  # fmt: skip
"""Values of such columns that do not say so."""


def is_identifying(name: str) -> bool:
    """Return whether a column of this name shows who a person is: an address or a LinkedIn page."""
    spelled = spelling(name)
    return spelled in FIELDS["email"] or (spelled in FIELDS["linkedin_url"] and "linkedin" in spelled)


def is_field(name: str) -> bool:
    """Return whether a column of this name may become a field."""
    return spelling(name) in _KNOWN


_KNOWN = frozenset(spelled for names in FIELDS.values() for spelled in names)


def is_ignored(name: str) -> bool:
    """Return whether a column holds bookkeeping of the tool that wrote the file."""
    return spelling(name) in _IGNORED or any(pattern.search(name.strip()) for pattern in _IGNORED_PATTERNS)


def is_private(name: str) -> bool:
    """Return whether a column tells of a person's life, or what colleagues noted."""
    return spelling(name) in _PRIVATE


def is_opt_out(name: str) -> bool:
    """Return whether a column tells that a person wants no messages, or that none arrive."""
    return any(spelling(name) in names for names in (_OPT_OUT, _YES_OR_TEXT, _OPT_IN))


def says_no(name: str, value: object) -> bool:
    """Return whether a cell of an opt-out column says that the person wants no messages."""
    text = str(value).strip().casefold()
    return text in _REFUSED if spelling(name) in _OPT_IN else text not in _NO
